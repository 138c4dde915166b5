"""CSGCL on the Amazon graphs: pretrain, probe, compare with the controls.

python examples/csgcl_amazon.py --dataset photo --epochs 200
"""

import argparse

import torch

from gclkit.evaluators import evaluate
from gclkit.graphs import load
from gclkit.training import build_method, pretrain, resolve_config

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--dataset", default="photo", choices=["photo", "computers", "sbm"])
parser.add_argument("--epochs", type=int, help="default: the recipe's")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--anchors", type=int, help="anchors drawn per step; default: all nodes")
parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
parser.add_argument("--root", help="folder of the datasets")
args = parser.parse_args()

data = load(args.dataset, root=args.root)
config = resolve_config(
    "csgcl",
    args.dataset,
    model={"anchors": args.anchors, "precision": args.precision},
    training={} if args.epochs is None else {"epochs": args.epochs},
)
method = build_method(config, data.num_features)
result = pretrain(method, data, seed=args.seed, progress=True, **config.training)

torch.manual_seed(args.seed)
method.reset_parameters()
for name, z in {
    "raw features": data.x,
    "untrained encoder": method.embed(data),
    "csgcl": result.embeddings,
}.items():
    score = evaluate(z, data, num_splits=5)["classification"]["accuracy"]
    print(f"{name:<18} {100 * score['mean']:.2f} ± {100 * score['std']:.2f} %")

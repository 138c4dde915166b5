"""GRACE on Cora's public split, over seeds.

python examples/grace_cora.py --seeds 0 1 2 3 4
"""

import argparse

from gclkit.evaluators import evaluate
from gclkit.graphs import load
from gclkit.training import build_method, pretrain, resolve_config

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--seeds", type=int, nargs="+", default=[0])
parser.add_argument("--dataset", default="cora", help="digits needs no download")
parser.add_argument("--epochs", type=int, help="default: the recipe's")
parser.add_argument("--root", help="folder of the datasets")
args = parser.parse_args()

data = load(args.dataset, root=args.root)
config = resolve_config(
    "grace",
    args.dataset,
    training={} if args.epochs is None else {"epochs": args.epochs},
)
embeddings = {}
for seed in args.seeds:
    method = build_method(config, data.num_features)
    embeddings[seed] = pretrain(
        method, data, seed=seed, progress=True, **config.training
    ).embeddings

splits = "public" if "train_mask" in data else "random"
scores = evaluate(embeddings, data, splits=splits, num_splits=1)["classification"]
for name in ("micro_f1", "macro_f1"):
    print(name, f"{100 * scores[name]['mean']:.2f} %", f"(n={scores[name]['n']}, {splits} split)")

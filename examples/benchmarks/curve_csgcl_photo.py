"""Accuracy of CSGCL on Photo over the first epochs, seed by seed, beside the authors' code.

Seeds whose embeddings collapse are counted and left out; further seeds follow until enough have
trained. Accuracy is that of the linear probe on random 10/10/80 splits.

    python examples/benchmarks/curve_csgcl_photo.py --seeds 3
"""

import argparse
import csv
import statistics
import sys
import warnings

from gclkit.evaluators import evaluate
from gclkit.graphs import load
from gclkit.training import CollapseWarning, build_method, pretrain, resolve_config

AUTHORS = {50: 0.801, 100: 0.869, 150: 0.898, 200: 0.916}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--root")
parser.add_argument("--seeds", type=int, default=3, help="that did not collapse")
parser.add_argument("--first-seed", type=int, default=0)
parser.add_argument("--epochs", type=int, nargs="+", default=sorted(AUTHORS))
parser.add_argument("--warmup", type=int, help="default: the recipe's; 0 for the authors' start")
parser.add_argument("--memory-budget", type=int)
parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
args = parser.parse_args()

data = load("photo", root=args.root)
config = resolve_config(
    "csgcl",
    "photo",
    model={"precision": args.precision, "memory_budget": args.memory_budget},
    training={"epochs": max(args.epochs)}
    | ({} if args.warmup is None else {"warmup": args.warmup}),
)
rows = csv.writer(sys.stdout)
rows.writerow(["seed", "epoch", "accuracy", "seconds_per_epoch"])
kept, seed = {epoch: [] for epoch in args.epochs}, args.first_seed
collapsed = []


while len(kept[args.epochs[-1]]) < args.seeds:
    found = {}

    def score(epoch, record, method, prepared, found=found):
        if epoch in args.epochs:
            result = evaluate(method.embed(prepared), data, num_splits=3)
            found[epoch] = (result["classification"]["accuracy"]["mean"], record["seconds"])

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", CollapseWarning)
            pretrain(
                build_method(config, data.num_features), data, seed=seed,
                callbacks=[score], progress=True, **config.training,
            )  # fmt: skip
    except CollapseWarning as warning:
        print(f"seed {seed}: {warning}", file=sys.stderr)
        collapsed.append(seed)
    else:
        for epoch, (accuracy, seconds) in found.items():
            rows.writerow([seed, epoch, f"{accuracy:.4f}", f"{seconds:.3f}"])
            kept[epoch].append(accuracy)
        sys.stdout.flush()
    seed += 1

for epoch, values in kept.items():
    spread = statistics.stdev(values) if len(values) > 1 else float("nan")
    authors = f", authors' code {AUTHORS[epoch]:.3f}" if epoch in AUTHORS else ""
    mean = statistics.mean(values)
    print(f"epoch {epoch}: {mean:.4f} ± {spread:.4f} (n={len(values)}){authors}", file=sys.stderr)
print(f"collapsed seeds: {collapsed or 'none'}", file=sys.stderr)

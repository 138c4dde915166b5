"""The memory that a training is estimated to take against the peak that it takes.

python examples/benchmarks/bench_memory.py > memory.csv

Every row is a process of its own: it loads the graph, estimates, trains a few epochs and reads its
peak resident memory. `ratio` is the estimate over the peak. `random-60000/dgi` trains on a random
graph of so many nodes, 128 features and ten neighbours, losses of all pairs with 64 anchors;
`/pot`, `/certified` and `/published` add provable training, `/pot` in the mode `pairwise`.
"""

import argparse
import resource
import subprocess
import sys
from dataclasses import replace

from gclkit.cli.regularizer import build_regularizer
from gclkit.cli.run_graph import load_graph
from gclkit.testing.graphs import random_graph
from gclkit.training import build_method, estimate_training_memory, pretrain, resolve_config
from gclkit.training.run_settings import RunSettings

RUNS = ["cora/grace", "cora/csgcl", "cora/grace/pot", "cora/csgcl/pot", "photo/grace",
        "photo/csgcl", "cs/grace", "cs/csgcl"]  # fmt: skip

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--runs", nargs="+", default=RUNS, metavar="DATASET/METHOD[/MODE]")
parser.add_argument("--epochs", type=int, default=4)
parser.add_argument("--here", action="store_true", help="the one run in this process")


def measure(run: str, epochs: int) -> str:
    """One row: the estimate before training and the peak after it."""
    dataset, method_name, *pot = run.split("/")
    model = {"norm": None} if pot else {}  # Bounds are of encoders without batch normalisation.
    drawn = dataset.startswith("random-")
    if drawn and method_name in ("csgcl", "gca", "grace"):
        model["anchors"] = 64
    config = resolve_config(method_name, dataset, model=model, training={"epochs": epochs})
    if pot:
        mode = pot[0].replace("pot", "pairwise")
        regularizer = {"regularizer": "pot", "kappa": 0.4, "pot_mode": mode}
    else:
        regularizer = {}
    config = replace(config, run=RunSettings(**regularizer))
    if drawn:
        data = random_graph(int(dataset.removeprefix("random-")), 128, mean_degree=10, seed=1)
    else:
        data = load_graph(config, log=None)
    method = build_method(config, data.num_features)
    pot_term = build_regularizer(config, method, data)
    estimate = estimate_training_memory(method, data, regularizer=pot_term)
    pretrain(method, data, regularizer=pot_term, **config.training)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    parts = ",".join(f"{part / 1e6:.0f}" for part in (*estimate, estimate.total, peak))
    return f"{run},{parts},{estimate.total / peak:.2f}"


def main() -> None:
    args = parser.parse_args()
    if args.here:
        print(measure(args.runs[0], args.epochs))
        return
    print("run,process,features,views,encoder,loss,pot,optimizer,estimate_mb,peak_mb,ratio")
    for run in args.runs:
        command = [sys.executable, __file__, "--here", "--epochs", str(args.epochs), "--runs", run]
        print(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout, end="")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

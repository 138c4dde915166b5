"""GRACE with provable training and without: accuracy, cost and certified nodes, as CSV.

One row per dataset, views, mode, kappa and seed. Rows that the file holds are not run again, so
a stopped run goes on where it was; several processes may share a file.

python examples/benchmarks/pot_table.py --datasets cora --modes none pairwise --out pot.csv
python examples/benchmarks/pot_table.py --out pot.csv --summary
"""

import argparse
import csv
import itertools
import os
import statistics
from pathlib import Path

import torch

from gclkit.bounds import EdgeDropSet, node_compactness
from gclkit.bounds.report import nodes_in_reach
from gclkit.evaluators import LinearProbe, compare_paired, make_splits, summarize
from gclkit.graphs import load
from gclkit.regularizers import ProvableTraining
from gclkit.training import RunConfig, build_method, pretrain

SCORES = ("micro_f1", "macro_f1")
# Not the defaults, which may change: rows of different days stand in one table.
PROBE = LinearProbe(strengths=(0.01, 0.1, 1.0, 10.0, 100.0))
# The settings of POT's authors: no masked features, the hidden layer twice as wide.
SHARED = {"feature_p": [0.0, 0.0]}
AUTHORS = {
    "cora": (5e-4, {"out_channels": 128, "projection_channels": 128, "activation": "relu",
                    "edge_p": [0.4, 0.3], "temperature": 0.7}),
    "citeseer": (1e-3, {"out_channels": 256, "projection_channels": 256, "activation": "prelu",
                        "edge_p": [0.3, 0.1], "temperature": 0.9}),
    "photo": (5e-4, {"out_channels": 256, "projection_channels": 64, "activation": "relu",
                     "edge_p": [0.3, 0.5], "temperature": 0.2}),
}  # fmt: skip
KEY = ("dataset", "views", "mode", "kappa", "seed", "epochs", "precision", "tightness",
       "bounded_nodes", "settings")  # fmt: skip
COLUMNS = (*KEY, "split", *SCORES, "val_accuracy", "seconds_per_epoch", "mean_norm",
           "mean_clean", "certified_p", "certified_nodes", "certified_positive")  # fmt: skip


def describe(config):
    """What a recipe sets, in one cell: a row holds for these settings alone."""
    settings = {"lr": config.training["lr"], **config.model}
    return " ".join(f"{name}={value}".replace(" ", "") for name, value in settings.items())


@torch.no_grad()
def certify(encoder, data, p):
    """Bounds of the nodes with a droppable edge in reach, along their clean embeddings."""
    z = encoder(data.x, data.edge_index)
    drops = EdgeDropSet(data.edge_index, data.num_nodes, p)
    nodes = nodes_in_reach(drops, len(list(encoder.layers()))).nonzero()[:, 0]
    settings = {"targets": z, "mode": "certified", "nodes": nodes}
    still = torch.zeros_like(drops.budget)
    clean = node_compactness(encoder, data.x, data.edge_index, budget=still, **settings)
    bound = node_compactness(encoder, data.x, data.edge_index, drops=drops, **settings)
    return {
        "mean_norm": f"{float(z.norm(dim=1).mean()):.5g}",
        "mean_clean": f"{float(clean.mean()):.5g}",
        "certified_p": p,
        "certified_nodes": len(nodes),
        "certified_positive": f"{float((bound > 0).float().mean()):.5f}",
    }


def run(key, config, data, certified_p):
    """Trains once and scores the embeddings; the split of a random one follows the seed."""
    method = build_method(config, data.num_features)
    pot = None
    if key["mode"] != "none":
        pot = ProvableTraining(
            encoder=method.encoder, edge_index=data.edge_index, num_nodes=data.num_nodes,
            num_anchors=key["bounded_nodes"] or None,
            p=tuple(config.model["edge_p"]), kappa=key["kappa"], mode=key["mode"],
            tightness=key["tightness"] or None,
        )  # fmt: skip
    result = pretrain(method, data, seed=key["seed"], regularizer=pot, **config.training)
    family = "public" if "train_mask" in data else "random"
    split = make_splits(data, family, num_splits=1, seed=key["seed"])[0]
    scores = PROBE(result.embeddings, data.y, split)
    row = {name: f"{getattr(scores, name):.5f}" for name in (*SCORES, "val_accuracy")}
    seconds = statistics.median(epoch["seconds"] for epoch in result.history)
    row |= {"split": family, "seconds_per_epoch": f"{seconds:.4f}"}
    row["mean_norm"] = f"{float(result.embeddings.norm(dim=1).mean()):.5g}"
    if certified_p is not None:
        row |= certify(result.method.eval().encoder, data, certified_p)
    return {**key, **row}


def read(path):
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def append(path, row):
    """One write at the end of the file, so that processes do not cut into each other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "" if path.exists() else ",".join(COLUMNS) + "\n"
    cells = (str(row.get(name, "")) for name in COLUMNS)
    text += ",".join(f'"{cell}"' if "," in cell else cell for cell in cells) + "\n"
    with os.fdopen(os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o644), "wb") as file:
        file.write(text.encode())


def train(args):
    for name in args.datasets:
        data = load(name, root=args.root)
        for kappa, seed, views, mode in itertools.product(
            args.kappas, args.seeds, args.views, args.modes
        ):
            lr, model = AUTHORS[name]
            config = RunConfig(
                method="grace", dataset=name,
                model={**model, **SHARED, "edge_drop": views, "precision": args.precision,
                       "anchors": args.anchors},
                training={"epochs": args.epochs, "lr": lr, "weight_decay": 1e-5},
            )  # fmt: skip
            key = {
                "dataset": name, "views": views, "mode": mode, "seed": seed,
                "kappa": 0.0 if mode == "none" else kappa, "epochs": args.epochs,
                "precision": args.precision, "settings": describe(config),
                "tightness": args.tightness if mode == "certified" else "",
                "bounded_nodes": "" if mode == "none" else args.bounded_nodes or "",
            }  # fmt: skip
            known = [{name: row[name] for name in KEY} for row in read(args.out)]
            if {name: str(value) for name, value in key.items()} in known:
                continue
            row = run(key, config, data, args.certify if name in args.certify_on else None)
            append(args.out, row)
            print(*(row[name] for name in KEY[:5]), row["micro_f1"], flush=True)


def summarize_rows(rows, score):
    return summarize({"seed": row["seed"], "split": 0, "value": row[score]} for row in rows)


def group(rows, names):
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return groups


def summary(args):
    """Per dataset, views and mode: the kappa best on validation, beside GRACE alone."""
    rows = [row for row in read(args.out) if row["dataset"] in args.datasets]
    shared = ("dataset", "views", "epochs", "precision", "settings")
    print("| data | views | mode | κ | n | micro F1 | paired difference | macro F1 | paired "
          "difference | s / epoch | norm of Z |\n|" + "---|" * 11)  # fmt: skip
    for setting, found in group(rows, shared).items():
        plain = [row for row in found if row["mode"] == "none"]
        for (mode, tightness), same in group(found, ("mode", "tightness")).items():
            by_kappa = group(same, ("kappa",))
            most = max(map(len, by_kappa.values()))
            chosen = max(
                (part for part in by_kappa.values() if len(part) == most),
                key=lambda part: statistics.mean(float(row["val_accuracy"]) for row in part),
            )
            cells = [*setting[:2], f"{mode} {tightness}".strip(), chosen[0]["kappa"], len(chosen)]
            for score in SCORES:
                here = summarize_rows(chosen, score)
                cells.append(f"{100 * here['mean']:.2f} ± {100 * (here['std'] or 0):.2f}")
                cells.append(difference(chosen, plain, score) if mode != "none" else "")
            for column in ("seconds_per_epoch", "mean_norm"):
                cells.append(f"{statistics.mean(float(row[column]) for row in chosen):.3g}")
            print("|", " | ".join(map(str, cells)), "|")
    certified = [row for row in rows if row["certified_positive"]]
    if certified:
        print("\n| data | p | views | mode | κ | n | certified positive, % | mean clean "
              "| norm of Z |\n|" + "---|" * 9)  # fmt: skip
    names = ("dataset", "certified_p", "views", "mode", "kappa")
    for key, same in sorted(group(certified, names).items()):
        share = summarize_rows(same, "certified_positive")
        cells = [*key, len(same), f"{100 * share['mean']:.1f} ± {100 * (share['std'] or 0):.1f}"]
        for column in ("mean_clean", "mean_norm"):
            cells.append(f"{statistics.mean(float(row[column]) for row in same):.3g}")
        print("|", " | ".join(map(str, cells)), "|")


def difference(first, second, score):
    """Paired by seed, with its 95 % interval, in points."""
    seeds = {row["seed"] for row in first} & {row["seed"] for row in second}
    if len(seeds) < 2:
        return ""
    pair = ([row for row in part if row["seed"] in seeds] for part in (first, second))
    found = compare_paired(*(summarize_rows(part, score) for part in pair))
    low, high = (100 * end for end in found.interval)
    return f"{100 * found.difference:+.2f} [{low:+.2f}, {high:+.2f}]"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--datasets", nargs="+", default=list(AUTHORS), choices=AUTHORS)
    parser.add_argument("--views", nargs="+", default=["bernoulli", "budgeted"])
    parser.add_argument(
        "--modes", nargs="+", default=["none", "published", "pairwise", "certified"]
    )
    parser.add_argument("--kappas", type=float, nargs="+", default=[0.4])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--precision", default="float32", help="of the products of the loss")
    parser.add_argument("--anchors", type=int, help="of the loss; default: all nodes")
    parser.add_argument("--bounded-nodes", type=int, help="drawn per step for the bound")
    parser.add_argument("--tightness", default="budget", help="of the certified mode")
    parser.add_argument("--certify", type=float, default=0.4, help="drop rate of the certificate")
    parser.add_argument("--certify-on", nargs="*", default=["cora"])
    parser.add_argument("--root", help="folder of the datasets")
    parser.add_argument("--out", type=Path, default=Path("runs/pot_table.csv"))
    parser.add_argument("--summary", action="store_true", help="print the tables of --out")
    args = parser.parse_args()
    summary(args) if args.summary else train(args)

"""Score saved embeddings on a dataset, beside its raw features."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gclkit.cli.choices import PROBES, TASKS

if TYPE_CHECKING:
    from gclkit.evaluators.evaluate import Classifier

# What the verb writes; a folder that holds more is not replaced.
WRITTEN = {"config.yaml", "plots", "report.html", "report.json", "tables.md", "tables.tex"}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb to the parser."""
    parser = commands.add_parser(
        "evaluate",
        help="score saved embeddings",
        description=__doc__,
        epilog="example: gclkit evaluate emb.npy --dataset cora --tasks classification clustering",
    )
    parser.add_argument(
        "embeddings", type=Path, nargs="+", metavar="EMB",
        help=".npy array or .pt tensor [n, d]; several files are several training seeds",
    )  # fmt: skip
    parser.add_argument("--dataset", required=True, help="a name or a file")
    parser.add_argument("--root", type=Path, help="folder of the datasets")
    parser.add_argument(
        "--features", type=Path, help="file with your graph's node features (.npy, .npz)"
    )
    parser.add_argument("--labels", type=Path, help="file with your graph's classes (.npy, .csv)")
    parser.add_argument(
        "--tasks", nargs="+", default=["classification", "clustering"], choices=TASKS,
        metavar="TASK", help=f"of {', '.join(TASKS)}; default: the first two",
    )  # fmt: skip
    parser.add_argument("--splits", default="random", help="random, stratified, public, redrawn "
                        "(public without its test nodes) or K-shot; default: random")  # fmt: skip
    parser.add_argument("--num-splits", type=int, default=10, help="random splits; default: 10")
    parser.add_argument("--probe", choices=PROBES, default="linear", help="default: linear")
    parser.add_argument("--shots", type=int, nargs="+", default=[], metavar="K",
                        help="learning curve over K labels per class")  # fmt: skip
    parser.add_argument("--edge-split", type=Path, metavar="FILE",
                        help=".npz of the edge split that EMB was trained on, on trust: that of "
                        "seed-*/link_prediction/embeddings.npy is beside it")  # fmt: skip
    parser.add_argument("--no-controls", action="store_true", help="leave the raw features out")
    parser.add_argument("--out", type=Path, help="run folder for report.json and report.html")
    parser.add_argument("--force", action="store_true", help="replace the evaluation in --out")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    from contextlib import nullcontext

    from gclkit.checks import reject
    from gclkit.cli.choices import CLASSIFY
    from gclkit.cli.controls import check_control, control_section
    from gclkit.cli.run_graph import dataset_section
    from gclkit.evaluators import EdgeSplit, evaluate, read_embeddings
    from gclkit.evaluators.inputs import check_labels
    from gclkit.graphs import load
    from gclkit.ops.memory import available_bytes
    from gclkit.reports import RunFolder, write_report, write_yaml

    if "link_prediction" in args.tasks and args.edge_split is None:
        rule = "the file of the edge split that the embeddings were trained on"
        reject("evaluate", "edge-split", rule, None)
    folder = None if args.out is None else RunFolder(args.out, force=args.force)
    if folder is not None and folder.path.is_dir():
        _check_out(folder.path, args.force)
    data = load(args.dataset, root=args.root, features=args.features, labels=args.labels,
                require_features=False)  # fmt: skip
    labelled = [task for task in args.tasks if task != "link_prediction"]
    if labelled and data.get("y") is None:
        rule = f"given for {' and '.join(labelled)}, since the graph has none"
        reject("evaluate", "labels", rule, args.labels)
    if "clustering" in args.tasks:
        check_labels("evaluate", data.get("y"), int(data.num_nodes or 0), remedy=CLASSIFY)
    controls = not args.no_controls and data.get("x") is not None
    if controls:
        free = available_bytes(data.x.device)
        check_control("evaluate", "raw_features", data, free, "leave it out with --no-controls")
    embeddings = {
        seed: read_embeddings(path, data.num_nodes) for seed, path in enumerate(args.embeddings)
    }
    for path, z in zip(args.embeddings, embeddings.values(), strict=True):
        if bool((z == z[0]).all()):
            reject("evaluate", "embeddings", "different between nodes", f"{path}: all rows equal")
    split = None if args.edge_split is None else EdgeSplit.load(args.edge_split)
    options = {
        "splits": args.splits, "num_splits": args.num_splits, "probe": _probe(args.probe),
        "shots": tuple(args.shots), "edge_split": split,
    }  # fmt: skip
    with folder or nullcontext() as out:
        print("evaluating the embeddings\n")
        report = {
            "status": "complete",
            "method": args.embeddings[0].stem,
            "dataset": dataset_section(args.dataset, data),
            "config": {
                key: [str(entry) for entry in value] if isinstance(value, list) else str(value)
                for key, value in vars(args).items()
                if value not in (None, []) and key not in ("run", "verb")
            },
            "seeds": list(embeddings),
            "results": evaluate(embeddings, data, tasks=args.tasks, **options),
            "baselines": {},
        }
        _print(report)
        if controls:
            print("evaluating the control raw_features\n")
            scores = evaluate(data.x, data, tasks=args.tasks, **options)
            report["baselines"]["raw_features"] = control_section(scores)
            _print({"method": "raw features", "results": scores})
        if out is not None:
            out.clear()
            write_yaml(out.config_path, report["config"])
            path = write_report(
                out.path, report, z=embeddings[0].numpy(),
                y=None if data.get("y") is None else data.y.numpy(),
            )  # fmt: skip
            print(f"report: {path}")
    return 0


def _check_out(out: Path, force: bool) -> None:
    """Raises a ``ValueError`` for a folder with anything but an evaluation that is given up."""
    from gclkit.checks import reject
    from gclkit.reports import read_report

    names = {entry.name for entry in out.iterdir()} - {".lock"}
    if not names:
        return
    own = force and names <= WRITTEN and (out / "report.json").is_file()
    if not own or "embeddings" not in read_report(out).get("config", {}):
        rule = "a new folder (--force replaces what evaluate wrote, nothing else)"
        reject("evaluate", "out", rule, str(out))


def _probe(name: str) -> Classifier:
    from gclkit import evaluators

    known = {
        "adam": evaluators.AdamProbe,
        "linear": evaluators.LinearProbe,
        "svm": evaluators.SVMProbe,
        "knn": evaluators.KNNProbe,
        "forest": evaluators.RandomForestProbe,
    }
    return known[name]()


def _print(report: dict[str, Any]) -> None:
    from gclkit.reports.sections import task_tables

    for title, table, note in task_tables(report):
        print(f"{title}\n\n{table.to_markdown()}\n{note}\n")

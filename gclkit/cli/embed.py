"""Embeddings of a trained run, for its own graph or for another with the same features."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb to the parser."""
    parser = commands.add_parser(
        "embed",
        help="embeddings of a trained run, for the same or another graph",
        description=__doc__,
        epilog="example: gclkit embed runs/first --seed 0 --out embeddings.npy",
    )
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="folder of a run")
    parser.add_argument("--seed", type=int, help="default: the run's first")
    parser.add_argument("--dataset", help="a name or a file; default: the run's graph")
    parser.add_argument("--root", type=Path, help="folder of the datasets")
    parser.add_argument(
        "--features", type=Path, help="file with your graph's node features (.npy, .npz)"
    )
    parser.add_argument("--out", type=Path, required=True, help=".npy to write")
    parser.add_argument("--force", action="store_true", help="overwrite --out")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    from dataclasses import replace

    import numpy as np

    from gclkit.atomic import replacing
    from gclkit.checks import check_choice, reject
    from gclkit.cli.run_graph import load_graph
    from gclkit.cli.trained_run import read_run, trained_method
    from gclkit.graphs import load
    from gclkit.graphs.datasets import DATASETS, dataset_name

    if args.out.suffix != ".npy":
        reject("embed", "out", "a .npy file", str(args.out))
    if args.out.exists() and not args.force:
        raise FileExistsError(f"embed: '{args.out}' exists; pass --force to overwrite it")
    config = read_run("embed", args.run_folder)
    seeds = [str(seed) for seed in config.run.seeds]
    seed = (
        check_choice("embed", "seed", str(args.seed), seeds) if args.seed is not None else seeds[0]
    )
    if args.dataset is None:
        given: dict[str, Any] = {
            key: str(getattr(args, key)) for key in ("root", "features") if getattr(args, key)
        }
        data = load_graph(replace(config, run=replace(config.run, **given)), log=print)
    else:
        if config.model.get("topic_neighbors") is not None:
            rule = "left out: topics are made of the run's own graph"
            reject("embed", "dataset", rule, args.dataset)
        trained_on = dataset_name(config.dataset)
        data = load(
            args.dataset,
            root=args.root,
            features=args.features,
            normalize_features=trained_on is not None and DATASETS[trained_on].normalize,
            log=print,
        )
    method, epoch = trained_method("embed", args.run_folder, config, int(seed), data)
    z = method.embed(method.prepare(data)).numpy()
    with replacing(args.out) as file:
        np.save(file, z, allow_pickle=False)
    print(f"{z.shape[0]:,} × {z.shape[1]} embeddings of epoch {epoch}: {args.out}")
    return 0

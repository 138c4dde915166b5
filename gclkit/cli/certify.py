"""Bound how far edge dropping can move each node of a trained run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gclkit.cli.choices import TIGHTNESS

if TYPE_CHECKING:
    from gclkit.training import RunConfig

# Figures that are shares, told in percent.
SHARES = {"certified_positive", "found_positive", "budget_share", "realised_rate", "reach_share",
          "over_budget"}  # fmt: skip


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb to the parser."""
    parser = commands.add_parser(
        "certify",
        help="certified compactness of the nodes of a trained run",
        description=__doc__,
        epilog="example: gclkit certify runs/first --p 0.2",
    )
    parser.add_argument("path", type=Path, metavar="RUN", help="a run folder of 'gclkit train'")
    parser.add_argument("--p", type=float, default=0.2, help="drop rate; each node may lose about "
                        "this share of its edges; default: 0.2")  # fmt: skip
    parser.add_argument("--seed", type=int, help="which seed of the run; default: its first")
    parser.add_argument("--nodes", type=int, default=500,
                        help="nodes to certify, sampled from those edge dropping can affect; "
                        "default: 500")  # fmt: skip
    parser.add_argument("--views", type=int, default=200, help="views sampled; default: 200")
    parser.add_argument(
        "--rounds", type=int, default=6, help="rounds of the worst-case search; default: 6"
    )
    parser.add_argument("--tightness", default="two_hop", choices=TIGHTNESS,
                        help="default: two_hop")  # fmt: skip
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    import numpy as np

    from gclkit.atomic import replacing
    from gclkit.bounds.certificate import certify
    from gclkit.checks import reject
    from gclkit.cli.kept_certificate import checkpoint_hash
    from gclkit.cli.run_graph import load_graph
    from gclkit.cli.trained_run import trained_method
    from gclkit.communities import detect
    from gclkit.reports.certificate import group_shares, write_certificate

    config = _read_complete_run(args.path)
    data = load_graph(config, log=print)
    if data.get("edge_weight") is not None:
        reject("certify", "dataset", "a graph without edge weights", config.dataset)
    seed = config.run.seeds[0] if args.seed is None else args.seed
    method, _ = trained_method("certify", args.path, config, seed, data)
    whole = not method.ego and method.topic_neighbors is None
    part = "" if whole else ", of the embedding the encoder's output alone"
    print(f"certifying seed {seed} at p = {args.p}{part}")
    certificate = certify(
        method.encoder,
        data.x,
        data.edge_index,
        p=args.p,
        num_nodes=args.nodes,
        tightness=args.tightness,
        num_views=args.views,
        rounds=args.rounds,
        seed=seed,
        log=print,
    )
    arrays = {
        name: getattr(certificate, name).numpy()
        for name in ("nodes", "clean", "bound", "sampled", "searched", "degree")
    }
    print("communities, to group them by")
    arrays["community"] = detect(data).membership[certificate.nodes].numpy()
    with replacing(args.path / "certificate.npz") as file:
        np.savez_compressed(file, **arrays)
    figures: dict[str, Any] = {
        "p": args.p,
        "seed": seed,
        "checkpoint": checkpoint_hash(args.path / f"seed-{seed}" / "checkpoint.pt"),
        "tightness": args.tightness,
        "whole_embedding": whole,
        **certificate.to_dict(),
        "by_degree": group_shares(arrays["degree"], arrays["bound"], logarithmic=True),
        "by_community": group_shares(arrays["community"], arrays["bound"]),
    }
    write_certificate(args.path, figures, arrays)
    for name, value in certificate.to_dict().items():
        text = f"{100 * value:.4g} %" if name in SHARES else f"{value:.4g}"
        print(f"{name.replace('_', ' '):>20}  {text}")
    print(f"report: {args.path / 'report.html'}")
    return 0


def _read_complete_run(path: Path) -> RunConfig:
    """The configuration of a run that can hold a certificate; others are refused now, not after
    minutes of computation.
    """
    import os

    from gclkit.checks import reject
    from gclkit.cli.trained_run import read_run
    from gclkit.methods import Method
    from gclkit.reports import read_report
    from gclkit.training.config import method_class

    config = read_run("certify", path)
    if not all((path / name).is_file() for name in ("report.json", "report.html")):
        rule = "a complete run; 'gclkit train --resume' goes on with this one"
        reject("certify", "run", rule, str(path))
    read_report(path)
    if not os.access(path, os.W_OK):
        raise PermissionError(f"certify: '{path}' cannot be written to")
    if method_class(config.method).encode is not Method.encode:
        reject("certify", "method", "one that embeds by its encoder alone", config.method)
    return config

"""Detect communities and print their sizes, strengths and the modularity."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb to the parser."""
    parser = commands.add_parser(
        "communities",
        help="detect and print communities, strength, modularity",
        description=__doc__,
        epilog="example: gclkit communities digits --algorithm leiden --seed 0",
    )
    parser.add_argument("dataset", help="a name or a file")
    parser.add_argument("--root", type=Path, help="folder of the datasets")
    parser.add_argument("--algorithm", default="leiden",
                        help="leiden, louvain or label_propagation; default: leiden")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.add_argument("--resolution", type=float, default=1.0, help="above 1: more communities")
    parser.add_argument("--top", type=int, default=20, help="communities listed; default: 20")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    import torch

    from gclkit.checks import check_count, reject
    from gclkit.communities import community_strength, detect
    from gclkit.graphs import load

    check_count("communities", "top", args.top)
    if args.algorithm == "label_propagation" and args.resolution != 1:
        reject("communities", "resolution", "left out of label propagation", args.resolution)
    data = load(args.dataset, root=args.root, require_features=False)
    part = detect(data, algorithm=args.algorithm, seed=args.seed, resolution=args.resolution)
    strength = community_strength(
        data.edge_index, part.membership, edge_weight=data.get("edge_weight")
    )
    sizes = torch.bincount(part.membership, minlength=part.num_communities)
    same = part.membership[data.edge_index[0]] == part.membership[data.edge_index[1]]
    print(f"{part.num_communities} communities, modularity {part.modularity:.4f}, "
          f"{100 * float(same.float().mean()):.1f} % of the edges inside")  # fmt: skip
    print(f"{'community':>9} {'nodes':>8} {'strength':>10}")
    for c in strength.argsort(descending=True, stable=True)[: args.top].tolist():
        print(f"{c:>9} {int(sizes[c]):>8,} {float(strength[c]):>10.5f}")
    if part.num_communities > args.top:
        print(f"and {part.num_communities - args.top} more, of strength "
              f"{float(strength.sort(descending=True).values[args.top:].sum()):.5f} "
              "in all")  # fmt: skip
    return 0

"""List the datasets that are known by name: what they hold, and which are on disk."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb to the parser."""
    parser = commands.add_parser(
        "datasets",
        help="list known datasets and show statistics",
        description=__doc__,
        epilog="example: gclkit datasets cora photo --root datasets",
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="load these and measure them (default: list all)"
    )
    parser.add_argument(
        "--root",
        type=Path,
        help="folder of the datasets (default: $GCLKIT_DATA, else ./datasets, else the user's)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints a table of all datasets, or loads the named ones and prints what they hold."""
    from gclkit.graphs import list_datasets
    from gclkit.graphs.datasets import DATASETS
    from gclkit.graphs.folders import data_root
    from gclkit.graphs.stored import on_disk

    root = data_root(args.root)
    if args.names:
        for name in args.names:
            _measure(name, args.root)
        return 0
    print(f"{'name':<12} {'nodes':>8} {'edges':>10} {'features':>8} {'classes':>7}  where")
    for name in list_datasets():
        info = DATASETS[name]
        edges = f"{info.edges:,}" if info.edges is not None else "-"
        where = "embedded" if not info.files else "on disk" if on_disk(name, root) else "-"
        print(
            f"{name:<12} {info.nodes:>8,} {edges:>10} {info.features:>8,} {info.classes:>7}"
            f"  {where}"
        )
    print(f"folder: {root}")
    return 0


def _measure(name: str, root: Path | None) -> None:
    from gclkit.graphs import dataset_hash, load
    from gclkit.graphs.split import has_public_split

    data = load(name, root)
    degree = data.edge_index[0].bincount(minlength=data.num_nodes)
    nonzero = int((data.x != 0).sum()) if not data.x.is_sparse_csr else data.x.values().numel()
    print(f"{name}")
    print(f"  nodes        {data.num_nodes:,} ({int((degree == 0).sum()):,} isolated)")
    print(f"  edges        {data.num_edges:,} directed, {data.num_edges // 2:,} undirected")
    print(f"  degree       {degree.double().mean():.1f} mean, {int(degree.max()):,} largest")
    print(f"  features     {data.x.size(1):,}, {nonzero / data.x.numel():.1%} not zero")
    if data.y is not None:
        _measure_classes(data.y, data.edge_index)
    print(f"  public split {'yes' if has_public_split(data) else 'no'}")
    print(f"  hash         {dataset_hash(data)}")


def _measure_classes(y: Tensor, edge_index: Tensor) -> None:
    """Of the nodes whose class is known, and of the edges between them."""
    known = y >= 0
    if not bool(known.any()):
        print("  classes      none is known")
        return
    counts = y[known].bincount()
    row, col = edge_index[:, known[edge_index].all(dim=0)]
    unknown = int((~known).sum())
    more = f", {unknown:,} unknown" if unknown else ""
    print(
        f"  classes      {len(counts)}, of {int(counts.min()):,} to {int(counts.max()):,} nodes"
        f"{more}"
    )
    if len(row):
        same = float((y[row] == y[col]).double().mean())
        print(f"  homophily    {same:.2f} of the edges join equal classes")

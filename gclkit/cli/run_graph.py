"""The graph of a run, and what a report says of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch_geometric.data import Data

from gclkit.graphs import dataset_hash, load
from gclkit.training import RunConfig

Log = Callable[[str], None]


def load_graph(config: RunConfig, *, log: Log | None) -> Data:
    """The graph of a run."""
    run = config.run
    return load(config.dataset, root=run.root, features=run.features, labels=run.labels, log=log)


def dataset_section(name: str, data: Data) -> dict[str, Any]:
    """The section ``dataset`` of a report: name, sizes (each edge once) and hash of the content."""
    return {
        "name": name,
        "nodes": int(data.num_nodes or 0),
        "edges": data.num_edges // 2,
        "hash": dataset_hash(data),
    }

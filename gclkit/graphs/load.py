"""One door for every graph: a name, a file, a networkx graph or a ``Data`` object."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor
from torch_geometric.data import Data

from gclkit.checks import check_one_each, reject
from gclkit.graphs.check_graph import check_edge_index, check_graph, count_nodes
from gclkit.graphs.datasets import DATASETS, dataset_name, list_datasets
from gclkit.graphs.digits import digits
from gclkit.graphs.files import SUFFIXES, read_features, read_file, read_labels
from gclkit.graphs.folders import data_root
from gclkit.graphs.from_networkx import from_networkx
from gclkit.graphs.prepare import conform_graph, prepare_graph, say
from gclkit.graphs.sbm import sbm
from gclkit.graphs.stored import stored


def load(
    source: Any,
    root: str | os.PathLike[str] | None = None,
    *,
    features: Any = None,
    labels: Any = None,
    prepare: bool = True,
    undirected: bool = True,
    normalize_features: bool | None = None,
    require_features: bool = True,
    sparse: bool | None = None,
    log: Callable[[str], None] | None = say,
    **options: Any,
) -> Data:
    """Loads a graph and prepares it.

    Args:
        source: A name of :func:`list_datasets`; a path ending in ``.npz``, ``.csv``, ``.tsv``,
            ``.txt``, ``.edges`` or ``.graphml``; a networkx graph; or a ``Data`` object.
        root: Folder of the datasets. (default: ``$GCLKIT_DATA``, else ``datasets`` here if it
            exists, else the user's data folder)
        features: Node features [n, f] that stand in for those of the source: an array, a SciPy
            matrix, a tensor, or a ``.npy`` or ``.npz`` file. Where the source is a list of edges,
            rows beyond the largest index are isolated nodes.
        labels: Classes [n] likewise: an array, a tensor, or a ``.npy``, ``.csv`` or ``.txt`` file.
            A negative number marks a class as unknown.
        prepare: Whether to apply :func:`prepare_graph`. Otherwise the graph is only checked.
        undirected: Whether preparing adds the reverse of each edge.
        normalize_features: Whether preparing divides each row of features by its sum.
            (default: where the papers do so, and never for an own graph)
        require_features: Whether a graph without features is refused.
        sparse: Whether features are a sparse CSR tensor, which every gclkit method takes but much
            of PyG does not (``x[mask]``, ``data.subgraph``, ``SAGEConv``), or a strided one, as
            ``x.to_dense()`` makes it. (default: CSR where a dataset, a file or ``features`` has
            more than 500 columns of which less than 5 % are filled; the features of a ``Data``
            object or a networkx graph stay in the layout that they have)
        log: Takes one line about what was prepared. (default: to standard error)
        **options: Settings of the embedded ``digits`` and ``sbm``, such as ``seed`` of the latter.

    Returns:
        A graph as :func:`check_graph` demands it: float32 features, int64 indices.

    Raises:
        ValueError: If the source is unknown, or is not such a graph.
        OSError: If a file is missing, or a dataset neither there nor to be downloaded.
    """
    normalize = normalize_features
    known = dataset_name(source) if isinstance(source, str) else None
    if known is not None:
        name = known
        normalize = DATASETS[name].normalize if normalize is None else normalize
        data = _named(name, root, log, options)
    else:
        if options:
            reject("load", sorted(options)[0], "left out for a graph that is not embedded", options)
        name, data = _own(source)
    if features is not None:
        data.x = _one_row_per_node(read_features("load", features), data)
    if labels is not None:
        data.y = read_labels("load", labels)
    data = conform_graph("load", data, sparse=sparse)
    if data.y is not None and not (isinstance(source, Data) and labels is None):
        argument = "y" if labels is None else "labels"
        check_one_each("load", argument, data.y, count_nodes("load", data), "label per node")
    if prepare:
        data = prepare_graph(
            data,
            undirected=undirected,
            normalize_features=bool(normalize),
            log=log,
            name=name,
        )
    return check_graph("load", data, require_features=require_features)


def _one_row_per_node(x: Tensor, data: Data) -> Tensor:
    """Returns features that are to be put into a graph if they are as many as its nodes."""
    least = int(check_edge_index("load", data).max()) + 1 if data.num_edges else 0
    nodes = copy.copy(data)
    del nodes.edge_index
    known = count_nodes("load", nodes)
    if known >= max(least, 1) and x.size(0) != known:
        reject("load", "features", f"of {known} rows, one per node", tuple(x.shape))
    if x.size(0) < least:
        reject("load", "features", f"of {least} rows or more, one per node", tuple(x.shape))
    return x


def _named(
    name: str,
    root: str | os.PathLike[str] | None,
    log: Callable[[str], None] | None,
    options: dict[str, Any],
) -> Data:
    embedded: dict[str, Callable[..., Data]] = {"digits": digits, "sbm": sbm}
    if name not in embedded:
        if options:
            reject("load", sorted(options)[0], f"left out for {name}", options)
        return stored(name, data_root(root), log)
    known = embedded[name].__kwdefaults__ or {}
    for option in options:
        if option not in known:
            reject("load", "options", f"among {sorted(known)} for {name}", option)
    return embedded[name](**options)


def _own(source: Any) -> tuple[str, Data]:
    if isinstance(source, Data):
        return "graph", copy.copy(source)  # Features and labels are put into it.
    if isinstance(source, (str, os.PathLike)):
        if "\0" in os.fspath(source):
            reject("load", "source", "a path", os.fspath(source))
        path = Path(source)
        if path.suffix.lower() in SUFFIXES or path.is_file():
            return path.name, read_file("load", path)
        rule = f"one of {list_datasets()}, or a path ending in {', '.join(SUFFIXES)}"
        reject("load", "source", rule, os.fspath(source))
    if hasattr(source, "is_directed") and hasattr(source, "nodes") and hasattr(source, "edges"):
        return "graph", from_networkx("load", source)
    rule = "a name, a path, a networkx graph or a torch_geometric.data.Data object"
    reject("load", "source", rule, type(source).__name__)

"""Graphs of networkx, by attributes of their nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch_geometric.data import Data

from gclkit.checks import reject
from gclkit.graphs.features import as_features, as_labels, as_weights


def from_networkx(owner: str, graph: Any) -> Data:
    """Makes a graph of a networkx graph, its nodes numbered in their order.

    A node's features are its attribute ``x`` (a sequence of numbers, or a string of numbers as
    GraphML holds it), or its attributes ``x0``, ``x1``, ...; its class is ``y``; an edge's weight
    is ``weight``. Each must be on all nodes or edges, or on none.

    Raises:
        ValueError: If an attribute is on some nodes or edges only, or holds no numbers.
    """
    number = {node: i for i, node in enumerate(graph.nodes)}
    edges = [(number[u], number[v]) for u, v in graph.edges()]
    edge_index = torch.tensor(edges, dtype=torch.int64).reshape(-1, 2).T
    weights = _attribute(owner, "weight", [values for *_, values in graph.edges(data=True)])
    weight = None
    if weights is not None:
        weight = as_weights(owner, "weight", _numbers(owner, "weight", weights))
    if not graph.is_directed():
        reverse = edge_index[0] != edge_index[1]
        edge_index = torch.cat([edge_index, edge_index[:, reverse].flip(0)], dim=1)
        weight = torch.cat([weight, weight[reverse]]) if weight is not None else None
    data = Data(edge_index=edge_index.contiguous())
    if weight is not None:
        data.edge_weight = weight

    nodes = [values for _, values in graph.nodes(data=True)]
    x = _attribute(owner, "x", nodes)
    if x is not None:
        rows = [row.replace(",", " ").split() if isinstance(row, str) else row for row in x]
        data.x = as_features(owner, "x", _numbers(owner, "x", rows), sparse=False)
    elif nodes and "x0" in nodes[0]:
        names = [f"x{i}" for i in range(sum(f"x{i}" in nodes[0] for i in range(len(nodes[0]))))]
        columns = [_attribute(owner, name, nodes) for name in names]
        data.x = as_features(owner, "x", _numbers(owner, "x0", columns).T, sparse=False)
    y = _attribute(owner, "y", nodes)
    if y is not None:
        data.y = as_labels(owner, "y", y)
    if data.x is None:
        data.num_nodes = len(number)
    return data


def _attribute(owner: str, name: str, items: list[dict[str, Any]]) -> list[Any] | None:
    found = [values[name] for values in items if name in values]
    if not found:
        return None
    if len(found) < len(items):
        reject(owner, name, f"on all of {len(items)} nodes or edges, or on none", len(found))
    return found


def _numbers(owner: str, name: str, values: list[Any]) -> np.ndarray[Any, Any]:
    try:
        return np.array(values, dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        reject(owner, name, "made of numbers, equally many each", str(error).splitlines()[0][:200])

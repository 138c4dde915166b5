"""The one place that says what a graph must be before anything is computed on it."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor
from torch_geometric.data import Data

from gclkit.checks import check_edges, check_finite, check_indices, check_one_each, reject
from gclkit.graphs.features import check_sparse

# Up to here a pair of nodes fits into one int64 key.
MOST_NODES = 2**31


def check_graph(
    owner: str,
    data: Data,
    *,
    require_features: bool = True,
    require_undirected: bool = False,
    require_edges: bool = True,
) -> Data:
    """Returns ``data`` if it is a graph that gclkit can compute with, else raises.

    That is: a ``Data`` object of two nodes or more, with ``edge_index`` [2, e] in int64, e > 0,
    within range; ``x`` [n, f] finite, float32 or float64, strided or sparse CSR; and, where
    present, ``edge_weight`` [e] finite and not negative. :func:`gclkit.graphs.load` brings other
    integer and float types into this form. Labels ``y`` are not looked at: the evaluators check
    those that they read.

    Args:
        owner: Function that the error message names.
        data: The graph.
        require_features: Whether a graph without ``x`` is refused.
        require_undirected: Whether a graph is refused that misses the reverse of an edge.
        require_edges: Whether a graph without edges, such as a single node, is refused.

    Raises:
        ValueError: One line, ``owner: 'name' must be rule (got value)``.
    """
    edge_index = check_edge_index(owner, data)
    if edge_index.dtype != torch.int64:
        reject(
            owner,
            "edge_index",
            "of dtype torch.int64 (gclkit.graphs.load converts)",
            edge_index.dtype,
        )
    num_nodes = count_nodes(owner, data)
    if num_nodes < (2 if require_edges else 1):
        least = "two nodes" if require_edges else "one node"
        reject(owner, "data", f"a graph of {least} or more", f"{num_nodes} nodes")
    if require_edges and edge_index.size(1) == 0:
        reject(owner, "edge_index", "a list of one edge or more", "none")
    check_indices(owner, "edge_index", edge_index, num_nodes)
    x = data.get("x")
    if x is None:
        if require_features:
            reject(owner, "x", "node features [n, f]", None)
    else:
        _check_features(owner, x, num_nodes)
    if data.get("edge_weight") is not None:
        check_edge_weight(owner, data.edge_weight, edge_index.size(1))
    if require_undirected:
        _check_undirected(owner, edge_index, num_nodes)
    return data


def check_data(owner: str, data: Any) -> Data:
    """Returns ``data`` if it is one graph of one kind of nodes, or a batch of such, else raises."""
    if not isinstance(data, Data):
        reject(owner, "data", "a torch_geometric.data.Data object", type(data).__name__)
    return data


def check_edge_index(owner: str, data: Any) -> Int[Tensor, "2 e"]:
    """Returns the edge index of ``data`` if it is two rows of integers, else raises."""
    edge_index = check_data(owner, data).get("edge_index")
    if edge_index is None and "adj_t" in data:
        remedy = "torch_geometric.utils.to_edge_index(data.adj_t)[0].flip(0)"
        reject(owner, "edge_index", f"a tensor [2, e], here {remedy}", None)
    return check_edges(owner, edge_index, any_integer=True)


def count_nodes(owner: str, data: Data) -> int:
    """The number of nodes that features, ``num_nodes`` or what else PyG counts by give.

    Where none of these is there, labels and the largest index decide, whichever name more nodes:
    trailing isolated nodes are kept, and the one label of a whole graph is no count. An index that
    leaves far more nodes than edges could name is refused.
    """
    x, y, stated = data.get("x"), data.get("y"), data.to_dict().get("num_nodes")
    if isinstance(x, Tensor) and x.dim() > 0:
        if stated is not None and stated != x.size(0):
            reject(owner, "num_nodes", f"{x.size(0)}, the number of feature rows", stated)
        return x.size(0)
    if stated is not None:
        whole = isinstance(stated, Integral) and not isinstance(stated, bool)
        if not whole or not 0 <= stated < MOST_NODES:
            reject(owner, "num_nodes", f"an integer from 0 to {MOST_NODES - 1}", stated)
        return int(stated)
    labels = y.size(0) if isinstance(y, Tensor) and y.dim() > 0 else 0
    with warnings.catch_warnings():
        # PyG's own, that only the edges are left to count by.
        warnings.simplefilter("ignore")
        counted = max(labels, int(data.num_nodes or 0))
    edge_index = data.edge_index
    largest = int(edge_index.max()) if edge_index is not None and edge_index.numel() else -1
    if counted == largest + 1 > labels and largest >= most_named(edge_index.size(1)):
        rule = f"numbered without gaps from 0, for {edge_index.size(1)} edges without features"
        reject(owner, "edge_index", rule, largest)
    return counted


def most_named(num_edges: int) -> int:
    """How many nodes edges alone may name: else one large index would claim all memory."""
    return min(MOST_NODES, 1000 + 100 * num_edges)


def check_edge_weight(owner: str, weight: Any, num_edges: int) -> None:
    """Raises unless ``weight`` is one finite number of at least 0 per edge."""
    check_one_each(owner, "edge_weight", weight, num_edges, "weight per edge")
    if not weight.is_floating_point():
        reject(owner, "edge_weight", "of a floating dtype", weight.dtype)
    check_finite(owner, "edge_weight", weight)
    if num_edges and float(weight.min()) < 0:
        reject(owner, "edge_weight", "not negative", float(weight.min()))


def _check_features(owner: str, x: Any, num_nodes: int) -> None:
    if not isinstance(x, Tensor) or x.layout not in (torch.strided, torch.sparse_csr):
        kind = x.layout if isinstance(x, Tensor) else type(x).__name__
        reject(owner, "x", "a strided or sparse CSR tensor [n, f]", kind)
    if x.dim() != 2 or x.size(1) == 0:
        reject(owner, "x", "of shape [n, f] with at least one feature", tuple(x.shape))
    if x.dtype not in (torch.float32, torch.float64):
        reject(
            owner,
            "x",
            "of dtype torch.float32 or torch.float64 (gclkit.graphs.load converts)",
            x.dtype,
        )
    sparse = x.layout == torch.sparse_csr
    check_finite(owner, "x", check_sparse(owner, "x", x).values() if sparse else x)


def _check_undirected(owner: str, edge_index: Int[Tensor, "2 e"], num_nodes: int) -> None:
    forth = (edge_index[0] * num_nodes + edge_index[1]).unique()
    back = (edge_index[1] * num_nodes + edge_index[0]).unique()
    if not torch.equal(forth, back):
        missing = int((~torch.isin(back, forth)).sum())
        rule = "undirected, with both directions of every edge"
        reject(owner, "edge_index", rule, f"{missing} reverse edges missing")

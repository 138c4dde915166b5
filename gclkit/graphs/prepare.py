"""Standard preparation: one undirected simple graph, features in rows that sum to one."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch_geometric.data import Data

from gclkit.checks import check_indices, reject
from gclkit.graphs.check_graph import (
    check_edge_index,
    check_edge_weight,
    count_nodes,
)
from gclkit.graphs.edge_attributes import edge_attributes, take_edges
from gclkit.graphs.features import as_features
from gclkit.sparse import csr_tensor


def say(line: str) -> None:
    """Writes one line to standard error: the default of every ``log`` argument."""
    if sys.stderr is not None:  # As in a service, which has none.
        sys.stderr.write(line + "\n")


def conform_graph(owner: str, data: Data, *, sparse: bool | None = None) -> Data:
    """A shallow copy of ``data`` in the types that gclkit computes with.

    Integer indices and labels become int64, features float32 (CSR or strided by ``sparse``, else
    in the layout that they have), weights and labels of one dimension. Nothing is guessed: what
    cannot be converted without loss of meaning (float indices, NaN) is refused. A ``y`` that is
    not one whole number per node stays as it is: training never reads it, and the evaluators
    check what they read.

    Raises:
        ValueError: As :func:`gclkit.graphs.check_graph`.
    """
    edge_index = check_edge_index(owner, data).to(torch.int64).contiguous()
    data = copy.copy(data)
    data.edge_index = edge_index
    x, y, weight = data.get("x"), data.get("y"), data.get("edge_weight")
    if x is not None:
        if sparse is None and isinstance(x, Tensor):
            sparse = {torch.strided: False, torch.sparse_csr: True}.get(x.layout)
        data.x = as_features(owner, "x", x, sparse=sparse).to(edge_index.device)
    num_nodes = count_nodes(owner, data)
    check_indices(owner, "edge_index", edge_index, num_nodes)
    if x is None:
        data.num_nodes = num_nodes
    if isinstance(y, Tensor) and y.shape in ((num_nodes,), (num_nodes, 1)):
        if not (y.is_floating_point() or y.is_complex() or y.dtype == torch.bool):
            data.y = y.flatten().to(edge_index.device, torch.int64)
    if isinstance(weight, Tensor):
        weight = weight.flatten() if weight.shape == (edge_index.size(1), 1) else weight
        weight = weight if weight.dtype == torch.float64 else weight.to(torch.float32)
        data.edge_weight = weight.contiguous()
    if weight is not None:
        check_edge_weight(owner, data.edge_weight, edge_index.size(1))
    return data


def prepare_graph(
    data: Data,
    *,
    undirected: bool = True,
    remove_self_loops: bool = True,
    coalesce: bool = True,
    normalize_features: bool = False,
    log: Callable[[str], None] | None = say,
    name: str = "graph",
) -> Data:
    """Brings a graph into the form that the papers train on, and says what that changed.

    Duplicate edges become one; an edge whose reverse is missing gets one. Of weights, where there
    are any, duplicates are summed, and where both directions differ, both get the larger; without
    weights, how often an edge was there is forgotten. Other tensors that are there once per edge
    are taken from the first duplicate, or from the reverse edge; adjacency matrices ``adj`` and
    ``adj_t`` are left behind. Preparing twice changes nothing.

    Args:
        data: The graph; it is not changed.
        undirected: Whether to add the missing reverse of each edge; implies ``coalesce``.
        remove_self_loops: Whether to drop edges from a node to itself.
        coalesce: Whether to merge duplicates and to sort edges by source, then target.
        normalize_features: Whether to divide each row of features by its sum (rows of zeros
            stay), as ``torch_geometric.transforms.NormalizeFeatures`` does for word counts.
        log: Takes the line that says what was changed; None for silence.
        name: What that line calls the graph.

    Returns:
        A new graph that shares unchanged tensors with ``data``.

    Raises:
        ValueError: If ``data`` is malformed, if features to be normalised are negative, or if
            ``undirected`` is asked for without ``coalesce``.
    """
    owner = "prepare_graph"
    data = conform_graph(owner, data)
    if undirected and not coalesce:
        reject(owner, "coalesce", "True where 'undirected' is", coalesce)
    num_nodes, before = count_nodes(owner, data), data.edge_index.size(1)
    names, loops, merged, added = edge_attributes(data), 0, 0, 0
    if remove_self_loops:
        keep = data.edge_index[0] != data.edge_index[1]
        loops = before - int(keep.sum())
        if loops:
            take_edges(data, keep, names)
    if coalesce:
        merged = _merge(data, num_nodes, names)
    if undirected:
        added = _symmetrize(data, num_nodes, names)
    if normalize_features:
        data.x = _divide_rows(owner, data.get("x"))
    if log is not None:
        done = [
            f"{count:,} {what}"
            for count, what in (
                (loops, "self-loops removed"),
                (merged, "duplicate edges merged"),
                (added, "reverse edges added"),
            )
            if count
        ]
        done += ["features row-normalised"] if normalize_features else []
        log(
            f"{name}: {num_nodes:,} nodes, {data.edge_index.size(1):,} directed edges"
            f" ({', '.join(done) or 'unchanged'})"
        )
    return data


def _merge(data: Data, num_nodes: int, names: list[str]) -> int:
    """Merges duplicates in place, weights by their sum; returns how many went."""
    num_edges = data.edge_index.size(1)
    weight = data.get("edge_weight")
    place, first = _group(data.edge_index[0] * num_nodes + data.edge_index[1])
    take_edges(data, first, names)
    if weight is not None:
        data.edge_weight = weight.new_zeros(len(first)).index_add_(0, place, weight)
    return num_edges - len(first)


def _symmetrize(data: Data, num_nodes: int, names: list[str]) -> int:
    """Adds missing reverse edges in place, weights by the maximum; returns how many came."""
    num_edges = data.edge_index.size(1)
    weight = data.get("edge_weight")
    both = torch.cat([data.edge_index, data.edge_index.flip(0)], dim=1)
    place, first = _group(both[0] * num_nodes + both[1])
    # An edge's own attributes come before those of its reverse, which stand in the second half.
    take_edges(data, first % max(num_edges, 1), names)
    data.edge_index = both[:, first]
    if weight is not None:
        data.edge_weight = weight.new_zeros(len(first)).scatter_reduce_(
            0, place, weight.repeat(2), "amax"
        )
    return len(first) - num_edges


def _group(keys: Int[Tensor, " e"]) -> tuple[Int[Tensor, " e"], Int[Tensor, " k"]]:
    """The group of each key, groups sorted by key, and where each group occurs first."""
    unique, place = torch.unique(keys, return_inverse=True)
    at = torch.arange(len(keys), device=keys.device)
    first = torch.full_like(unique, len(keys)).scatter_reduce_(0, place, at, "amin")
    return place, first


def _divide_rows(owner: str, x: Float[Tensor, "n f"] | None) -> Float[Tensor, "n f"]:
    if x is None:
        reject(owner, "x", "node features [n, f] where 'normalize_features' is", None)
    entries = x.values() if x.layout == torch.sparse_csr else x
    if entries.numel() and float(entries.min()) < 0:
        reject(owner, "x", "not negative where 'normalize_features' is", float(entries.min()))
    if x.layout == torch.strided:
        total = x.sum(dim=1, keepdim=True, dtype=torch.float64)
        return torch.where(total > 0, x / total, x).to(x.dtype)
    crow, col = x.crow_indices(), x.col_indices()
    row = torch.repeat_interleave(torch.arange(x.size(0), device=x.device), crow.diff())
    total = entries.new_zeros(x.size(0), dtype=torch.float64).index_add_(0, row, entries.double())
    scaled = torch.where(total[row] > 0, entries / total[row], entries).to(x.dtype)
    return csr_tensor(crow, col, scaled, x.shape)

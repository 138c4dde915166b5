"""Graphs to test with: small random ones, and a corpus of what goes wrong in practice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from jaxtyping import Int
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import to_undirected

from gclkit.checks import check_count
from gclkit.graphs.features import as_features

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def random_graph(
    num_nodes: int = 20,
    num_features: int = 6,
    *,
    num_classes: int = 3,
    mean_degree: float = 4.0,
    weighted: bool = False,
    sparse: bool = False,
    seed: int = 0,
) -> Data:
    """Draws a sound graph: undirected, sorted, without self-loops, with classes that show.

    Args:
        num_nodes: Number of nodes, at least 3.
        num_features: Number of features; their means differ from class to class.
        num_classes: Number of classes; the first nodes have one each.
        mean_degree: About how many neighbours a node has; at least the two of a ring.
        weighted: Whether edges have weights in [0.5, 1.5), the same in both directions.
        sparse: Whether features are a sparse CSR tensor, about half of it empty.
        seed: Seed of all of this.
    """
    check_count("random_graph", "num_nodes", num_nodes, at_least=3)
    generator = torch.Generator().manual_seed(seed)
    ring = torch.arange(num_nodes)
    count = max(round((mean_degree - 2) * num_nodes / 2), 0)
    chords = torch.randint(num_nodes, (2, count), generator=generator)
    pairs = torch.cat([torch.stack([ring, ring.roll(-1)]), chords], dim=1)
    edge_index = to_undirected(pairs[:, pairs[0] != pairs[1]], num_nodes=num_nodes)
    y = torch.randint(num_classes, (num_nodes,), generator=generator)
    y[:num_classes] = torch.arange(num_classes)[:num_nodes]
    means = torch.randn(num_classes, num_features, generator=generator)
    x = means[y] + torch.randn(num_nodes, num_features, generator=generator)
    if sparse:
        x = as_features("random_graph", "x", x.relu(), sparse=True)
    data = Data(x=x, edge_index=edge_index, y=y)
    if weighted:
        low, high = edge_index.sort(dim=0).values
        _, pair = torch.unique(low * num_nodes + high, return_inverse=True)
        weight = 0.5 + torch.rand(int(pair.max()) + 1, generator=generator)
        data.edge_weight = weight[pair]
    return data


def planted_partition(
    num_nodes: int = 60,
    num_communities: int = 3,
    *,
    p_in: float = 0.4,
    p_out: float = 0.02,
    seed: int = 0,
) -> Data:
    """Draws a graph whose communities (``y``) are plain to see, with noisy one-hot features."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(num_nodes) * num_communities // num_nodes
    chance = torch.where(y[:, None] == y, p_in, p_out)
    edges = torch.rand(num_nodes, num_nodes, generator=generator) < chance
    edge_index = to_undirected(edges.triu(1).nonzero().T.contiguous(), num_nodes=num_nodes)
    noise = torch.rand(num_nodes, num_communities, generator=generator)
    return Data(x=(y[:, None] == torch.arange(num_communities)) + noise, edge_index=edge_index, y=y)


def _graph(edges: Int[Tensor, "2 e"], num_nodes: int, seed: int) -> Data:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(num_nodes, 5, generator=generator)
    y = torch.randint(3, (num_nodes,), generator=generator)
    return Data(x=x, edge_index=edges, y=y)


def _star(leaves: int, seed: int) -> Data:
    rim = torch.arange(1, leaves + 1)
    return _graph(to_undirected(torch.stack([torch.zeros_like(rim), rim])), leaves + 1, seed)


def _with(seed: int, **changes: object) -> Data:
    data = random_graph(seed=seed)
    for name, value in changes.items():
        data[name] = value
    return data


def _spoil(seed: int, name: str, value: float) -> Data:
    data = random_graph(seed=seed)
    data[name][1, 2] = value
    return data


def _no_edges() -> Int[Tensor, "2 0"]:
    return torch.empty(2, 0, dtype=torch.int64)


def _directed(seed: int) -> Data:
    data = random_graph(seed=seed)
    data.edge_index = data.edge_index[:, data.edge_index[0] < data.edge_index[1]]
    return data


def _append(seed: int, edges: list[list[int]]) -> Data:
    data = random_graph(seed=seed)
    data.edge_index = torch.cat([data.edge_index, torch.tensor(edges)], dim=1)
    return data


def _path(num_nodes: int, seed: int) -> Data:
    at = torch.arange(num_nodes)
    return _graph(to_undirected(torch.stack([at[:-1], at[1:]])), num_nodes, seed)


def _clique(num_nodes: int, seed: int) -> Data:
    return _graph((1 - torch.eye(num_nodes)).nonzero().T.contiguous(), num_nodes, seed)


def _disconnected(seed: int) -> Data:
    a, b = random_graph(8, seed=seed), random_graph(9, seed=seed + 1)
    edges = torch.cat([a.edge_index, b.edge_index + 8], dim=1)
    return Data(x=torch.cat([a.x, b.x]), edge_index=edges, y=torch.cat([a.y, b.y]))


def _isolated(seed: int) -> Data:
    data = random_graph(12, seed=seed)
    data.x, data.y = torch.cat([data.x, data.x[:5]]), torch.cat([data.y, data.y[:5]])
    return data


def _strided(seed: int) -> Data:
    data = random_graph(seed=seed)
    data.x = data.x.T.contiguous().T
    data.edge_index = data.edge_index.T.contiguous().T
    return data


# Graphs that check_graph accepts as they are. Not all are undirected or simple.
SOUND: dict[str, Callable[[int], Data]] = {
    "random": lambda seed: random_graph(seed=seed),
    "weighted": lambda seed: random_graph(weighted=True, seed=seed),
    "two nodes": lambda seed: _path(2, seed),
    "isolated nodes": _isolated,
    "self-loops": lambda seed: _append(seed, [[0, 3], [0, 3]]),
    "only self-loops": lambda seed: _graph(torch.arange(6).repeat(2, 1), 6, seed),
    "duplicates": lambda seed: _append(seed, [[0, 1, 0, 1], [1, 0, 1, 0]]),
    "directed": _directed,
    "disconnected": _disconnected,
    "star": lambda seed: _star(7, seed),
    "clique": lambda seed: _clique(9, seed),
    "path": lambda seed: _path(11, seed),
    "huge degree": lambda seed: _star(600, seed),
    "zero features": lambda seed: _with(seed, x=torch.zeros(20, 6)),
    "constant features": lambda seed: _with(seed, x=torch.full((20, 6), 0.3)),
    "huge features": lambda seed: _with(seed, x=random_graph(seed=seed).x * 1e30),
    "one feature": lambda seed: random_graph(num_features=1, seed=seed),
    "sparse features": lambda seed: random_graph(sparse=True, seed=seed),
    "empty sparse features": lambda seed: _with(
        seed, x=as_features("random_graph", "x", torch.zeros(20, 6), sparse=True)
    ),
    "double features": lambda seed: _with(seed, x=random_graph(seed=seed).x.double()),
    "not contiguous": _strided,
    "zero weights": lambda seed: _with(
        seed, edge_weight=torch.zeros(random_graph(seed=seed).num_edges)
    ),
    "no labels": lambda seed: _with(seed, y=None),
    "one class": lambda seed: _with(seed, y=torch.zeros(20, dtype=torch.int64)),
}

# Graphs that load brings into the form that check_graph demands.
CONVERTIBLE: dict[str, Callable[[int], Data]] = {
    "int32 indices": lambda seed: _with(seed, edge_index=random_graph(seed=seed).edge_index.int()),
    "integer features": lambda seed: _with(seed, x=random_graph(seed=seed).x.long()),
    "boolean features": lambda seed: _with(seed, x=random_graph(seed=seed).x > 0),
    "half features": lambda seed: _with(seed, x=random_graph(seed=seed).x.half()),
    "bfloat16 features": lambda seed: _with(seed, x=random_graph(seed=seed).x.bfloat16()),
    "coordinate features": lambda seed: _with(seed, x=random_graph(seed=seed).x.to_sparse_coo()),
}

# Graphs that are refused everywhere, in one line.
MALFORMED: dict[str, Callable[[int], Data]] = {
    "nothing": lambda seed: Data(),
    "empty": lambda seed: Data(x=torch.empty(0, 5), edge_index=_no_edges()),
    "one node": lambda seed: Data(x=torch.ones(1, 5), edge_index=_no_edges()),
    "no edges": lambda seed: _with(seed, edge_index=_no_edges()),
    "no features": lambda seed: _with(seed, x=None, num_nodes=20),
    "no feature columns": lambda seed: _with(seed, x=torch.empty(20, 0)),
    "flat features": lambda seed: _with(seed, x=torch.randn(20, 3, 2)),
    "complex features": lambda seed: _with(seed, x=torch.randn(20, 3, dtype=torch.complex64)),
    "NaN": lambda seed: _spoil(seed, "x", float("nan")),
    "infinity": lambda seed: _spoil(seed, "x", float("inf")),
    "index out of range": lambda seed: _append(seed, [[0], [20]]),
    "huge index": lambda seed: _append(seed, [[0], [2**62]]),
    "negative index": lambda seed: _append(seed, [[-1], [0]]),
    "float indices": lambda seed: _with(
        seed, edge_index=random_graph(seed=seed).edge_index.float()
    ),
    "boolean indices": lambda seed: _with(
        seed, edge_index=random_graph(seed=seed).edge_index.bool()
    ),
    "three rows of indices": lambda seed: _with(
        seed, edge_index=torch.zeros(3, 4, dtype=torch.int64)
    ),
    "flat indices": lambda seed: _with(seed, edge_index=torch.zeros(4, dtype=torch.int64)),
    "a list of indices": lambda seed: _with(seed, edge_index=[[0, 1], [1, 0]]),
    "weights of wrong length": lambda seed: _with(seed, edge_weight=torch.ones(3)),
    "NaN weight": lambda seed: _with(
        seed, edge_weight=torch.full((random_graph(seed=seed).num_edges,), float("nan"))
    ),
    "negative weight": lambda seed: _with(
        seed, edge_weight=torch.full((random_graph(seed=seed).num_edges,), -1.0)
    ),
    "num_nodes that contradicts": lambda seed: _with(seed, num_nodes=19),
}

# Graphs that are trained on as they are, but whose labels no evaluator takes.
MISLABELED: dict[str, Callable[[int], Data]] = {
    "column of labels": lambda seed: _with(seed, y=random_graph(seed=seed).y[:, None].int()),
    "labels of wrong length": lambda seed: _with(seed, y=torch.zeros(7, dtype=torch.int64)),
    "float labels": lambda seed: _with(seed, y=torch.rand(20)),
    "negative label": lambda seed: _with(seed, y=torch.full((20,), -1)),
    "huge label": lambda seed: _with(seed, y=torch.full((20,), 2**40)),
    "several labels": lambda seed: _with(seed, y=torch.rand(20, 4) > 0.5),
    "one label for the graph": lambda seed: _with(seed, y=torch.tensor([2])),
}


def huge_graph(num_nodes: int = 100_000) -> Data:
    """A random graph of mean degree 6 with 4 features: too large for anything quadratic."""
    return random_graph(num_nodes, 4, mean_degree=6.0)


def sound_graphs() -> SearchStrategy[Data]:
    """A hypothesis strategy of graphs that :func:`gclkit.graphs.check_graph` accepts."""
    return _drawn(SOUND).map(lambda drawn: drawn[1])


def any_graphs() -> SearchStrategy[tuple[str, Data]]:
    """A hypothesis strategy of (name of the case, graph) over the whole corpus."""
    return _drawn({**SOUND, **CONVERTIBLE, **MALFORMED, **MISLABELED})


def random_graphs() -> SearchStrategy[Data]:
    """A hypothesis strategy of undirected simple graphs of 3 to 24 nodes."""
    from hypothesis import strategies as st

    return st.builds(
        random_graph,
        st.integers(3, 24),
        st.integers(1, 8),
        num_classes=st.integers(1, 3),
        mean_degree=st.floats(2, 6),
        weighted=st.booleans(),
        sparse=st.booleans(),
        seed=st.integers(0, 2**20),
    )


def _drawn(cases: dict[str, Callable[[int], Data]]) -> SearchStrategy[tuple[str, Data]]:
    from hypothesis import strategies as st

    return st.tuples(st.sampled_from(sorted(cases)), st.integers(0, 2**20)).map(
        lambda drawn: (drawn[0], cases[drawn[0]](drawn[1]))
    )

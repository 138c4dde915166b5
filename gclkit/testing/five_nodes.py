"""One small graph for tests of every format that graphs are read from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from torch_geometric.data import Data

if TYPE_CHECKING:
    import networkx as nx

X = np.array([[1.0, 0.5], [0.0, 2.0], [3.0, 0.0], [0.25, 0.75], [9.0, 9.0]], dtype=np.float32)
Y = np.array([0, 2, 1, 0, 1])
# One edge twice, one against the others' order, one to itself; the last node has none.
EDGES = np.array([[0, 1], [1, 2], [3, 2], [0, 1], [2, 2]])
PREPARED = [[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]]


def assert_five_nodes(data: Data, *, weights: list[float] | None = None) -> None:
    """Asserts that a graph is the one of this module, prepared, with or without weights."""
    assert data.edge_index.tolist() == PREPARED
    assert data.x.tolist() == X.tolist() and data.y.tolist() == Y.tolist()
    assert data.num_nodes == len(Y)
    assert ("edge_weight" in data) == (weights is not None)
    if weights is not None:
        assert data.edge_weight.tolist() == weights


def adjacency() -> sp.csr_matrix:
    """The edges as a sparse matrix, each once."""
    pairs = np.unique(EDGES, axis=0).T
    return sp.csr_matrix((np.ones(pairs.shape[1]), tuple(pairs)), shape=(len(Y), len(Y)))


def network() -> nx.Graph:
    """The graph in networkx, its nodes named by letters."""
    import networkx as nx

    graph = nx.Graph()
    for node, x, y in zip("abcde", X, Y, strict=True):
        graph.add_node(node, x=x.tolist(), y=int(y))
    graph.add_edges_from(("abcde"[u], "abcde"[v]) for u, v in EDGES.tolist())
    return graph

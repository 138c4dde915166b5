"""The symmetric weighted adjacency that the detection algorithms need."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from torch_geometric.data import Data

from gclkit.checks import reject
from gclkit.graphs.check_graph import count_nodes


def symmetric_adjacency(data: Data) -> sp.csr_matrix:
    """The adjacency of a graph as float64 CSR, symmetric, canonical, without zero weights.

    A directed graph is read as undirected: weights of opposite entries are averaged.

    Args:
        data: A graph with :obj:`edge_index` and, optionally, :obj:`edge_weight`.

    Raises:
        ValueError: If an edge weight is negative or not finite.
    """
    n = count_nodes("detect", data)
    row, col = data.edge_index.cpu().numpy()
    weight = np.ones(row.size)
    if data.get("edge_weight") is not None:
        weight = data.edge_weight.detach().cpu().numpy().astype(np.float64).reshape(-1)
    if weight.size and not (np.isfinite(weight).all() and weight.min() >= 0):
        reject("detect", "edge_weight", "finite and at least 0", float(weight.min()))
    matrix = sp.csr_matrix((weight, (row, col)), shape=(n, n))
    matrix = ((matrix + matrix.T) / 2).tocsr()
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return matrix

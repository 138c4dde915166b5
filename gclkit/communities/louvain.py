"""Louvain, through python-louvain."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp


def louvain(adjacency: sp.csr_matrix, seed: int, resolution: float) -> np.ndarray:
    """Communities by the Louvain algorithm.

    From "Fast unfolding of communities in large networks" (`arXiv:0803.0476
    <https://arxiv.org/abs/0803.0476>`_).

    Args:
        adjacency: Symmetric float64 CSR.
        seed: In [0, 2^32); the same seed gives the same communities.
        resolution: At least 1; above it for more communities.

    Returns:
        The community of each node; isolated nodes are alone.
    """
    import community
    import networkx as nx

    graph = nx.from_scipy_sparse_array(sp.csr_array(adjacency))
    found = community.best_partition(graph, resolution=resolution, random_state=seed)
    return np.fromiter((found[node] for node in range(adjacency.shape[0])), np.int64)

"""Leiden, through graspologic-native."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp


def leiden(adjacency: sp.csr_matrix, seed: int, resolution: float) -> np.ndarray:
    """Communities by the Leiden algorithm.

    From "From Louvain to Leiden: guaranteeing well-connected communities"
    (`arXiv:1810.08473 <https://arxiv.org/abs/1810.08473>`_).

    Args:
        adjacency: Symmetric float64 CSR with at least one non-zero entry: the library
            loops for ever on an asymmetric matrix and panics without edges.
        seed: Non-negative; the same seed gives the same communities.
        resolution: Above 1 for more communities, below 1 for fewer.

    Returns:
        The community of each node; isolated nodes are alone.
    """
    from graspologic_native import leiden_csr

    n = adjacency.shape[0]
    _, found = leiden_csr(
        adjacency.indptr.astype(np.int64),
        adjacency.indices.astype(np.int32),
        adjacency.data.astype(np.float64),
        n,
        resolution=resolution,
        iterations=2,
        seed=seed,
    )
    membership = np.full(n, -1, dtype=np.int64)
    membership[np.fromiter(found.keys(), np.int64, len(found))] = np.fromiter(
        found.values(), np.int64, len(found)
    )
    missing = membership < 0
    membership[missing] = n + np.arange(int(missing.sum()))
    return membership

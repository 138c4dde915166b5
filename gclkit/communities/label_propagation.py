"""Label propagation, vectorised over the nodes."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

# It stops when no label changes, mostly long before.
_MOST_ROUNDS = 100


def label_propagation(adjacency: sp.csr_matrix, seed: int, resolution: float) -> np.ndarray:
    """Communities as the labels that survive among neighbours.

    Each round half of the nodes, drawn at random, take the label of largest weight among
    their neighbours and themselves: updating all at once would oscillate on bipartite
    parts. From "Near linear time algorithm to detect community structures in large-scale
    networks" (`arXiv:0709.2938 <https://arxiv.org/abs/0709.2938>`_).

    Args:
        adjacency: Symmetric float64 CSR.
        seed: Non-negative; the same seed gives the same communities.
        resolution: Not used; the algorithm has none.

    Returns:
        The community of each node; isolated nodes are alone.
    """
    n = adjacency.shape[0]
    rng = np.random.default_rng(seed)
    labels = np.arange(n)
    for _ in range(_MOST_ROUNDS):
        onehot = sp.csr_matrix((np.ones(n), (np.arange(n), labels)), shape=(n, n))
        votes = (adjacency @ onehot).tocsr()
        # Ties are broken at random, the present label wins among equals.
        votes.data += 1e-6 * rng.random(votes.data.size) * votes.data.min(initial=1.0)
        best = _row_argmax(votes, labels)
        if (best == labels).all():
            break
        labels = np.where(rng.random(n) < 0.5, best, labels)
    return labels


def _row_argmax(votes: sp.csr_matrix, labels: np.ndarray) -> np.ndarray:
    rows = np.repeat(np.arange(votes.shape[0]), np.diff(votes.indptr))
    # Less than the smallest vote, so that the present label wins no more than ties.
    margin = 1e-3 * votes.data.min(initial=1.0)
    keep_present = votes.data + margin * (votes.indices == labels[rows])
    order = np.lexsort((keep_present, rows))
    last = votes.indptr[1:] - 1
    voted = np.diff(votes.indptr) > 0
    best = labels.copy()
    best[voted] = votes.indices[order][last[voted]]
    return best

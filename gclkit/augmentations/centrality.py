"""How central nodes are: the measures that GCA weighs edges and features by."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.checks import check_count, check_edges, check_positive, check_probability
from gclkit.graphs.check_graph import check_edge_weight


def degree_centrality(
    edge_index: Int[Tensor, "2 e"],
    num_nodes: int,
    *,
    edge_weight: Float[Tensor, " e"] | None = None,
) -> Float[Tensor, " n"]:
    """The weight of the edges that enter each node.

    Args:
        edge_index: Sources and targets.
        num_nodes: Number of nodes :math:`n`.
        edge_weight: One weight per edge. (default: 1 each)

    Returns:
        One float64 per node.

    Raises:
        ValueError: For edges between nodes that do not exist, weights that are not one finite
            number of at least 0 per edge, and settings out of range.
    """
    weight = check_weights("degree_centrality", edge_index, num_nodes, edge_weight)
    return _sum_into(edge_index[1], weight, num_nodes)


def lazy_walk_centrality(
    edge_index: Int[Tensor, "2 e"],
    num_nodes: int,
    *,
    steps: int = 10,
    damping: float = 0.85,
    edge_weight: Float[Tensor, " e"] | None = None,
) -> Float[Tensor, " n"]:
    r"""The "PageRank" of GCA's authors (`arXiv:2010.14945 <https://arxiv.org/abs/2010.14945>`_).

    .. math::
        \pi^0 = 1, \qquad
        \pi_v \leftarrow (1 - d)\, \pi_v + d \sum_{u \to v} \frac{\pi_u}{\deg(u)}

    There is no teleport: it is a lazy walk, whose limit is proportional to the degree in
    each connected component. :func:`pagerank` is the real one.

    Args:
        edge_index: Sources and targets.
        num_nodes: Number of nodes :math:`n`.
        steps: Number of steps; the authors take 10 for features and 200 for edges.
        damping: Share :math:`d` that moves, in [0, 1].
        edge_weight: One weight per edge. (default: 1 each)

    Returns:
        One float64 per node.

    Raises:
        ValueError: For edges between nodes that do not exist, weights that are not one finite
            number of at least 0 per edge, and settings out of range.
    """
    damping = check_probability("lazy_walk_centrality", "damping", damping)
    check_count("lazy_walk_centrality", "steps", steps, at_least=0)
    weight = check_weights("lazy_walk_centrality", edge_index, num_nodes, edge_weight)
    chance, _ = _transitions(edge_index, weight, num_nodes)
    mass = chance.new_ones(num_nodes)
    for _ in range(steps):
        moved = _sum_into(edge_index[1], mass[edge_index[0]] * chance, num_nodes)
        mass = (1 - damping) * mass + damping * moved
    return mass


def pagerank(
    edge_index: Int[Tensor, "2 e"],
    num_nodes: int,
    *,
    damping: float = 0.85,
    tolerance: float = 1e-12,
    edge_weight: Float[Tensor, " e"] | None = None,
) -> Float[Tensor, " n"]:
    r"""PageRank, with teleport to a uniformly drawn node; it sums to 1.

    .. math::
        \pi_v = \frac{1 - d}{n} + d \Big( \sum_{u \to v} \frac{\pi_u}{\deg(u)}
        + \frac{1}{n} \sum_{u: \deg(u) = 0} \pi_u \Big)

    Args:
        edge_index: Sources and targets.
        num_nodes: Number of nodes :math:`n`.
        damping: Share :math:`d` that follows an edge, in [0, 1].
        tolerance: Largest change, summed over the nodes, at which the iteration stops; after
            1,000 steps it stops in any case.
        edge_weight: One weight per edge. (default: 1 each)

    Returns:
        One float64 per node.

    Raises:
        ValueError: For edges between nodes that do not exist, weights that are not one finite
            number of at least 0 per edge, and settings out of range.
    """
    damping = check_probability("pagerank", "damping", damping)
    check_positive("pagerank", "tolerance", tolerance)
    weight = check_weights("pagerank", edge_index, num_nodes, edge_weight)
    chance, dangling = _transitions(edge_index, weight, num_nodes)
    mass = chance.new_full((num_nodes,), 1 / num_nodes)
    for _ in range(1000):
        moved = _sum_into(edge_index[1], mass[edge_index[0]] * chance, num_nodes)
        follow = damping * (moved + (mass * dangling).sum() / num_nodes)
        mass, last = (1 - damping) / num_nodes + follow, mass
        if float((mass - last).abs().sum()) <= tolerance:
            break
    return mass


def eigenvector_centrality(
    edge_index: Int[Tensor, "2 e"],
    num_nodes: int,
    *,
    edge_weight: Float[Tensor, " e"] | None = None,
) -> Float[Tensor, " n"]:
    r"""The leading eigenvector of the adjacency, :math:`A^\top c = \lambda c`.

    It has unit norm and a positive sum. In a graph of several components only the one with
    the largest eigenvalue is central.

    Args:
        edge_index: Sources and targets.
        num_nodes: Number of nodes :math:`n`.
        edge_weight: One weight per edge. (default: 1 each)

    Returns:
        One float64 per node, on the device of :obj:`edge_index`.

    Raises:
        ValueError: For edges between nodes that do not exist, weights that are not one finite
            number of at least 0 per edge, and settings out of range.
    """
    weight = check_weights("eigenvector_centrality", edge_index, num_nodes, edge_weight)
    source, target = edge_index.cpu().numpy()
    matrix = sp.csr_matrix((weight.cpu().numpy(), (target, source)), shape=(num_nodes, num_nodes))
    vector = _leading_eigenvector(matrix)
    vector = vector / np.linalg.norm(vector) * (1 if vector.sum() >= 0 else -1)
    return torch.from_numpy(np.ascontiguousarray(vector)).to(edge_index.device)


def _leading_eigenvector(matrix: sp.csr_matrix) -> np.ndarray:
    n = matrix.shape[0]
    if matrix.count_nonzero() == 0:
        return np.ones(n)
    symmetric = abs(matrix - matrix.T).sum() == 0
    if n < 32:  # ARPACK needs room for its basis.
        values, vectors = (np.linalg.eigh if symmetric else np.linalg.eig)(matrix.toarray())
        return vectors[:, np.argmax(values.real)].real
    # The fixed start makes the result the same in every run.
    options = {"k": 1, "v0": np.ones(n), "maxiter": 300}
    try:
        if symmetric:
            return sp.linalg.eigsh(matrix, which="LA", **options)[1][:, 0]
        return sp.linalg.eigs(matrix, which="LR", **options)[1][:, 0].real
    except sp.linalg.ArpackError:
        return _power_iteration(matrix)


def _power_iteration(matrix: sp.csr_matrix) -> np.ndarray:
    """An approximation where the leading eigenvalues are too close to be told apart."""
    vector = np.ones(matrix.shape[0])
    for _ in range(1000):
        # The shift by the identity keeps bipartite graphs from swinging.
        vector = matrix @ vector + vector
        vector /= np.linalg.norm(vector)
    return vector


def check_weights(
    owner: str, edge_index: Tensor, num_nodes: int, edge_weight: Tensor | None
) -> Float[Tensor, " e"]:
    """Returns one float64 per edge, 1 where there are no weights.

    Raises:
        ValueError: For edges between nodes that do not exist, or weights that are not one
            finite number of at least 0 per edge.
    """
    check_count(owner, "num_nodes", num_nodes)
    check_edges(owner, edge_index, num_nodes)
    if edge_weight is None:
        return torch.ones(edge_index.size(1), dtype=torch.float64, device=edge_index.device)
    check_edge_weight(owner, edge_weight, edge_index.size(1))
    return edge_weight.detach().double()


def _transitions(edge_index: Tensor, weight: Tensor, num_nodes: int) -> tuple[Tensor, Tensor]:
    out = _sum_into(edge_index[0], weight, num_nodes)
    return weight / torch.where(out > 0, out, 1.0)[edge_index[0]], out == 0


def _sum_into(index: Tensor, value: Tensor, num_nodes: int) -> Tensor:
    return torch.zeros(num_nodes, dtype=value.dtype, device=value.device).index_add(0, index, value)

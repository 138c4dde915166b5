r"""Community strength: how much denser a community is than its degrees explain."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.checks import check_edges, check_floats, check_indices, reject
from gclkit.graphs.check_graph import check_edge_weight


def _check_membership(owner: str, edge_index: Tensor | None, membership: Tensor) -> None:
    if membership.dtype != torch.int64 or membership.dim() != 1:
        rule = "a vector of int64 community labels, one per node"
        reject(owner, "membership", rule, (membership.dtype, tuple(membership.shape)))
    if membership.numel() and int(membership.min()) < 0:
        reject(owner, "membership", "non-negative", int(membership.min()))
    if edge_index is None:
        return
    check_indices(owner, "edge_index", check_edges(owner, edge_index), membership.numel())


def _check_strength(owner: str, strength: Tensor, membership: Tensor) -> None:
    check_floats(owner, "strength", strength, dims=1)
    if membership.numel() and int(membership.max()) >= len(strength):
        rule = f"one number per community, {int(membership.max()) + 1} or more"
        reject(owner, "strength", rule, tuple(strength.shape))


def community_strength(
    edge_index: Int[Tensor, "2 e"],
    membership: Int[Tensor, " n"],
    *,
    num_nodes: int | None = None,
    edge_weight: Float[Tensor, " e"] | None = None,
) -> Float[Tensor, " k"]:
    r"""The contribution of each community to the modularity.

    .. math::
        S_c = \frac{\mathrm{in}_c}{m} - \left( \frac{\deg_c}{2m} \right)^2

    with :math:`m` the total edge weight, :math:`\mathrm{in}_c` the weight inside
    community :math:`c` and :math:`\deg_c` the sum of its degrees, from "CSGCL:
    Community-Strength-Enhanced Graph Contrastive Learning" (`arXiv:2305.04658
    <https://arxiv.org/abs/2305.04658>`_). The strengths sum to the modularity. A
    self-loop counts once in :math:`\mathrm{in}_c` and twice in the degree.

    Args:
        edge_index: Both directions of every undirected edge, self-loops once.
        membership: The community of each node, 0 or more.
        num_nodes: Checked against :obj:`membership` when given.
        edge_weight: One weight per entry of :obj:`edge_index`. (default: 1 each)

    Returns:
        One float64 per label in ``[0, max(membership)]``; 0 for labels that no node
        has and in a graph without edges.

    Raises:
        ValueError: If :obj:`membership` is not a label vector over the nodes, or the weights are
            not one finite number of at least 0 per edge.
    """
    owner = "community_strength"
    _check_membership(owner, edge_index, membership)
    if num_nodes is not None and num_nodes != membership.numel():
        reject(owner, "membership", f"of length num_nodes={num_nodes}", membership.numel())
    if edge_weight is not None:
        check_edge_weight(owner, edge_weight, edge_index.size(1))
    row, col = edge_index
    ones = torch.ones(row.numel(), dtype=torch.float64, device=row.device)
    weight = ones if edge_weight is None else edge_weight.to(torch.float64)
    # Each undirected edge appears twice, a self-loop once.
    weight = torch.where(row == col, weight, weight / 2)
    of_row, of_col = membership[row], membership[col]
    k = int(membership.max()) + 1 if membership.numel() else 0
    zeros = torch.zeros(k, dtype=torch.float64, device=row.device)
    degree = zeros.index_add(0, of_row, weight).index_add(0, of_col, weight)
    inside = zeros.index_add(0, of_row, weight * (of_row == of_col))
    total = weight.sum()
    strength = inside / total - (degree / (2 * total)) ** 2
    # What rounding leaves of a strength of 0 must not vote for columns as if it were one.
    return torch.where((total > 0) & (strength.abs() > 1e-12), strength, zeros)


def node_strength(
    strength: Float[Tensor, " k"], membership: Int[Tensor, " n"]
) -> Float[Tensor, " n"]:
    """The strength of the community that each node is in.

    Args:
        strength: One strength per community, from :func:`community_strength`.
        membership: The community of each node.

    Raises:
        ValueError: If a label is negative, or a community has no floating point strength.
    """
    _check_membership("node_strength", None, membership)
    _check_strength("node_strength", strength, membership)
    return strength[membership]


def edge_scores(
    edge_index: Int[Tensor, "2 e"],
    membership: Int[Tensor, " n"],
    strength: Float[Tensor, " k"],
) -> Float[Tensor, " e"]:
    r"""How much each edge is worth keeping, scaled to [0, 1] over the graph.

    .. math::
        e_{uv} = S_c \text{ for } u, v \in c, \qquad
        e_{uv} = -(S_a + S_b) \text{ for } u \in a \neq b \ni v,

    then :math:`(e - \min e) / (\max e - \min e)` (CSGCL, Eq. of communal edge
    dropping). Where all edges score alike, each gets 1: dropping is then uniform.

    Args:
        edge_index: The edges, in any direction.
        membership: The community of each node.
        strength: One strength per community, from :func:`community_strength`.

    Raises:
        ValueError: If :obj:`membership` is not a label vector over the nodes.
    """
    _check_membership("edge_scores", edge_index, membership)
    _check_strength("edge_scores", strength, membership)
    a, b = membership[edge_index[0]], membership[edge_index[1]]
    score = torch.where(a == b, strength[a], -(strength[a] + strength[b]))
    if score.numel() == 0:
        return score
    low, high = score.min(), score.max()
    # Spreads within rounding of the scores are no preference.
    alike = high - low <= 1e-12 * strength.abs().max()
    spread = torch.where(alike, torch.ones_like(low), high - low)
    return torch.where(alike, torch.ones_like(score), (score - low) / spread)

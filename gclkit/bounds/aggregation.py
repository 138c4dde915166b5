r"""Boxes of a neighbourhood sum :math:`y_i = w_i \sum_j c_j u_j + s_i v_i` over a drop set."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.bounds.blocks import by_columns
from gclkit.bounds.box import Box, parts
from gclkit.bounds.edge_drop_set import EdgeDropSet
from gclkit.bounds.neighborhoods import Neighborhoods, group_by_degree
from gclkit.bounds.propagation import Propagation
from gclkit.bounds.top_sums import top_sums

BLOCK_NUMEL = 2**21

Count = tuple[int, int]


def scale(low: Float[Tensor, " n"], high: Float[Tensor, " n"], box: Box) -> Box:
    """Bounds of ``s * v`` for ``s`` between two factors per row, of any sign, and ``v`` in a
    box.
    """
    if box.is_point or bool((low >= 0).all()):
        # Each end of the product belongs to one end of v: half the work of the general case.
        low, high = low[:, None], high[:, None]
        rest, floor = parts(box.lower)
        roof, base = (rest, floor) if box.is_point else parts(box.upper)
        return Box(high * floor + low * rest, high * roof + low * base)
    ends = [factor[:, None] * end for factor in (low, high) for end in box]
    lower = upper = ends[0]
    for end in ends[1:]:
        lower, upper = torch.minimum(lower, end), torch.maximum(upper, end)
    return Box(lower, upper)


def plain(drops: EdgeDropSet, propagation: Propagation, u: Box, v: Box) -> Box:
    r"""Bounds while every entry of the propagation matrix moves on its own.

    The entry of edge :math:`ij` lies in :math:`[0, w(d_i - \delta_i) c(d_j - \delta_j)]`, the
    factor of the node itself in :math:`[s(d_i), s(d_i - \delta_i)]`; so
    :math:`l = P^U \min(u_L, 0) + \min(s v_L)` and likewise above: two sparse products.

    Args:
        drops: The views.
        propagation: The factors.
        u: What the neighbours send, [n, d].
        v: The node's own term, [n, d].
    """
    clean, least = _degrees(drops, u.lower)
    ceiling = propagation.row(least)[drops.target] * propagation.column(least)[drops.source]
    matrix = drops.matrix(ceiling)
    own = scale(propagation.root(clean), propagation.root(least), v)
    roof, floor = parts(u.lower)
    if not u.is_point:
        roof = torch.relu(u.upper)
    return Box(drops.product(matrix, floor) + own.lower, drops.product(matrix, roof) + own.upper)


def budgeted(drops: EdgeDropSet, propagation: Propagation, u: Box, v: Box) -> Box:
    r"""Bounds that count edges: a view that takes :math:`r` neighbours from node :math:`i`
    also fixes its factors.

    .. math::
        l_i = \min_{0 \le r \le \min(\delta_i, |R_i|)} w(d_i - r)
        \Big( \sum_{j \in N(i)} m_j - \mathrm{top}_r \Big) + s(d_i - r)\, v_{L,i}, \qquad
        m_j = \min_{c \in [c(d_j),\, c(d_j - \delta_j)]} c\, u_{L,j}

    with :math:`R_i` the droppable edges of :math:`i` and :math:`\mathrm{top}_r` the sum of the
    :math:`r` largest :math:`m_j` among them; the proof is in :mod:`gclkit.bounds`. Taken per
    channel, in blocks of columns that are recomputed in the backward pass.

    Memory: O(n d) plus one block; edges x channels are never held at once.
    """
    lists = group_by_degree(
        drops.target, drops.degree, torch.arange(drops.num_nodes, device=drops.target.device)
    )
    lower = _lower_ends(drops, propagation, lists, u.lower, v.lower, v.upper)
    upper = -_lower_ends(drops, propagation, lists, -u.upper, -v.upper, -v.lower)
    return Box(lower, upper)


def _lower_ends(
    drops: EdgeDropSet, propagation: Propagation, lists: list[Neighborhoods], *boxes: Tensor
) -> Float[Tensor, "n d"]:
    span = [(0, int(drops.budget.max()) if drops.num_nodes else 0)]

    def block(u: Tensor, v_low: Tensor, v_high: Tensor) -> tuple[Tensor]:
        m = column_minimum(drops, propagation, u)
        return (least_sums(drops, propagation, lists, m, [Box(v_low, v_high)], span)[0],)

    # Eight times the usual block: narrower ones gather single numbers.
    rows = max(drops.num_nodes, sum(group.edges.numel() for group in lists) // 8)
    return by_columns(block, *boxes, shared=propagation.parameters, rows=rows)[0]


def column_minimum(
    drops: EdgeDropSet, propagation: Propagation, values: Float[Tensor, "n d"]
) -> Float[Tensor, "n d"]:
    r"""Least contribution of each node, :math:`m_j = \min(c(d_j)\, u_j, c(d_j - \delta_j)\,
    u_j)`.
    """
    low, high = (end[:, None] for end in column_ends(drops, propagation, values))
    positive, negative = parts(values)
    return low * positive + high * negative


def column_least(
    drops: EdgeDropSet,
    propagation: Propagation,
    senders: Int[Tensor, "*b"],
    values: Float[Tensor, "*b"],
    span: Count | None = None,
) -> Float[Tensor, "*b"]:
    """Least contributions of some senders, column factor included.

    Args:
        drops: The views.
        propagation: The factors.
        senders: Who sends each value.
        values: What is sent.
        span: Fewest and most edges that the senders lost. (default: any number)
    """
    low, high = (end[senders] for end in column_ends(drops, propagation, values, span))
    return torch.minimum(low * values, high * values)


def column_ends(
    drops: EdgeDropSet, propagation: Propagation, like: Tensor, span: Count | None = None
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """The column factor of each node at the fewest and at the most edges that it may have lost.

    Args:
        drops: The views.
        propagation: The factors.
        like: A tensor of the dtype wanted.
        span: Fewest and most edges lost, where the budget allows so many. (default: any number)
    """
    most = drops.usable_budget
    least = torch.zeros_like(most)
    if span is not None:
        most = most.clamp(max=span[1])
        least = most.clamp(max=span[0])
    low, high = (propagation.column((drops.degree - r).to(like.dtype)) for r in (least, most))
    return low, high


def least_sums(
    drops: EdgeDropSet,
    propagation: Propagation,
    lists: list[Neighborhoods],
    m: Float[Tensor, "n d"] | Float[Tensor, "e d"],
    own: list[Box],
    ranges: list[Count],
    *,
    per_edge: bool = False,
) -> list[Float[Tensor, "n d"]]:
    r"""The smallest sums with :math:`r` terms taken away, for each range of :math:`r`.

    Args:
        drops: The views.
        propagation: The factors.
        lists: Neighbour lists of the target nodes.
        m: Least contribution of each neighbour, column factor included.
        own: The node's own term given a range, one box [n, d] per range.
        ranges: Fewest and most edges lost; the first range begins with 0.
        per_edge: Whether ``m`` has one row per edge instead of one per sending node.

    Returns:
        One tensor per range; zero for nodes in no list, and the values of the first range for
        nodes that cannot lose so many.
    """
    found: list[list[Tensor]] = [[] for _ in ranges]
    usable, droppable = drops.usable_budget, drops.droppable
    order = [group.nodes for group in lists]
    for group in lists:
        width = max(1, BLOCK_NUMEL // max(1, group.edges.shape[1] * m.shape[1]))
        for nodes, edges, real in group.split(width):
            edges, real = edges.t(), real.t()
            sender = edges if per_edge else drops.source[edges]
            values = m.index_select(0, sender.flatten()).view(*sender.shape, m.shape[1])
            values = values.masked_fill(~real[..., None], 0)
            total = values.sum(dim=0)
            limit = usable[nodes]
            deepest = min(int(limit.max()), ranges[-1][1])
            removed = torch.zeros_like(total)[None]
            if deepest:
                loose = (real & droppable[edges])[..., None]
                best = top_sums(values.masked_fill(~loose, -torch.inf), deepest)
                removed = torch.cat([removed, best])
            for c, (low, high) in enumerate(ranges):
                r = torch.arange(low, max(low, min(high, deepest) + 1), device=nodes.device)
                if not len(r):
                    found[c].append(found[0][-1])
                    continue
                left = (drops.degree[nodes] - r[:, None]).clamp(min=0).to(m)
                s = propagation.root(left)[..., None]
                mine = s * own[c].lower[nodes]
                if not own[c].is_point and bool((s < 0).any()):
                    mine = torch.minimum(mine, s * own[c].upper[nodes])
                kept = total - removed[low : low + len(r)]
                sums = propagation.row(left)[..., None] * kept + mine
                sums = sums.masked_fill((r[:, None] > limit)[..., None], torch.inf).amin(dim=0)
                if c:
                    sums = torch.where((limit >= low)[:, None], sums, found[0][-1])
                found[c].append(sums)
    zero = torch.zeros(drops.num_nodes, m.shape[1], dtype=m.dtype, device=m.device)
    if not order:
        return [zero] * len(ranges)
    return [zero.index_copy(0, torch.cat(order), torch.cat(part)) for part in found]


def _degrees(drops: EdgeDropSet, like: Tensor) -> tuple[Tensor, Tensor]:
    return drops.degree.to(like), (drops.degree - drops.budget).to(like)

"""Certified bounds that follow the target's own coefficients through two layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.bounds.aggregation import column_least
from gclkit.bounds.backward import pull_back, to_last_propagation
from gclkit.bounds.by_count import (
    can_lose,
    count_ranges,
    mailed,
    trace_by_count,
)
from gclkit.bounds.edge_drop_set import EdgeDropSet
from gclkit.bounds.layers import Layer
from gclkit.bounds.neighborhoods import group_by_degree
from gclkit.bounds.two_hop_terms import (
    Context,
    contributions,
    dot_bounds,
    edge_least,
    factored,
    least_dot,
    mail_least,
    received,
    scaled,
    to_previous_sum,
    without_top,
)

BLOCK_NUMEL = 2**23


def two_hop_bound(
    layers: Sequence[Layer],
    x: Float[Tensor, "n f"],
    directions: Float[Tensor, "t d"],
    drops: EdgeDropSet,
    *,
    nodes: Int[Tensor, " t"],
) -> Float[Tensor, " t"]:
    """A lower bound over the set that fixes how many edges the target and each neighbour lost.

    For each range of the target's count, the last activation is relaxed on the boxes of that
    count. For each neighbour and each range of its count, its activation is relaxed likewise,
    in the target's coefficients, and the neighbour's own sum is minimised exactly over the
    edges it may lose: one scalar per path target - neighbour - second node. The larger of
    that and the interval value is what the neighbour contributes at least. Theorem 3 of
    :mod:`gclkit.bounds`.

    Args:
        layers: The encoder.
        x: Features.
        directions: Target vectors of the target nodes.
        drops: The set.
        nodes: The target nodes.

    Memory: O(e + n d) per range plus one block of paths. Time: paths of length two x channels
    x pairs of ranges, as batched matrix products.
    """
    ranges = count_ranges(int(drops.usable_budget.max()))
    traces = trace_by_count(layers, x, drops, ranges)
    sums = [k for k, layer in enumerate(layers) if layer.propagation is not None]
    last, previous = sums[-1], (sums[-2] if len(sums) > 1 else -1)
    mail = None
    if previous >= 0 and not traces[previous].sent[0].is_point:
        mail = mailed(drops, layers[previous].summing, traces[previous].sent, ranges)
    context = Context(layers, traces, drops, ranges, last, previous, mail)
    least = torch.full_like(directions[:, 0], torch.inf)
    for c, span in enumerate(ranges):
        at = can_lose(drops, span)[nodes].nonzero()[:, 0]
        if len(at):
            score = _given_count(context, c, directions[at], nodes[at])
            least = least.index_put((at,), torch.minimum(least[at], score))
    return least


def _given_count(
    context: Context, c: int, directions: Float[Tensor, "t d"], nodes: Int[Tensor, " t"]
) -> Float[Tensor, " t"]:
    """The bound over the views in which the targets lose a number of edges in range c."""
    boxes = [trace.before[c].at(nodes) for trace in context.traces]
    k, coefficients, constant = to_last_propagation(
        context.layers, boxes, directions, lower="adaptive"
    )
    layer = context.layers[k]
    position = torch.full_like(context.drops.degree, -1)
    position[nodes] = torch.arange(len(nodes), device=nodes.device)
    through = own = coefficients
    if k:
        through, own = layer.by_weights(partial(pull_back, coefficients))
    pairs = _neighbor_values(context, c, through, position)
    linear = constant + _own_and_sum(context, c, own, pairs, nodes, position)
    return torch.maximum(linear, least_dot(directions, context.traces[-1].after[c].at(nodes)))


def _neighbor_values(
    context: Context, c: int, through: Float[Tensor, "t d"], position: Int[Tensor, " n"]
) -> Float[Tensor, " e"]:
    """What each neighbour contributes at least, its column factor included, one value per edge
    into a target node; zero on the other edges.
    """
    drops, layer = context.drops, context.layers[context.last]
    wanted = (position[drops.target] >= 0).nonzero()[:, 0]
    rows, cols = position[drops.target[wanted]], drops.source[wanted]
    values = torch.full_like(drops.target, torch.inf, dtype=through.dtype)
    for cj, span in enumerate(context.ranges):
        able = can_lose(drops, span)[cols].nonzero()[:, 0]
        if not len(able):
            continue
        edges, i, j = wanted[able], rows[able], cols[able]
        box = received(context, cj)
        dots = edge_least(i, j, through, box)
        least = column_least(drops, layer.summing, j, dots, span)
        if context.previous >= 0:
            linear = torch.full_like(values, -torch.inf)
            for at, found in _paths(context, c, cj, through, position):
                linear = linear.index_put((at,), found)
            least = torch.maximum(least, linear[edges])
        values = values.index_put((edges,), torch.minimum(values[edges], least))
    return torch.where(position[drops.target] >= 0, values, torch.zeros_like(values))


def _paths(
    context: Context, c: int, cj: int, through: Float[Tensor, "t d"], position: Int[Tensor, " n"]
) -> Iterator[tuple[Int[Tensor, " k"], Float[Tensor, " k"]]]:
    """Lower bounds along paths target - neighbour - second node, block by block.

    Yields:
        Edges into targets, and what their sender contributes at least when it loses a number
        of edges in range cj; infinite where it cannot, because the edge to the target stays.
    """
    drops = context.drops
    is_target = position >= 0
    touched = drops.count(is_target[drops.source]) > 0
    centers = (touched & can_lose(drops, context.ranges[cj])).nonzero()[:, 0]
    mirror = drops.mirror
    for group in group_by_degree(drops.target, drops.degree, centers):
        width, d = group.edges.shape[1], through.shape[1]
        if not width:
            continue
        height = max(1, BLOCK_NUMEL // (width * (width + 2 * d)))
        for _, edges, real in group.split(height):
            wanted = real & is_target[drops.source[edges]]
            slots = wanted.int().argsort(dim=1, descending=True, stable=True)
            slots = slots[:, : int(wanted.sum(dim=1).max())]
            for part in slots.split(max(1, BLOCK_NUMEL // (len(slots) * (width + 2 * d))), dim=1):
                found = _block(context, c, cj, through, position, edges, real, part)
                chosen = wanted.gather(1, part)
                yield mirror[edges.gather(1, part)[chosen]], found[chosen]


def _block(
    context: Context,
    c: int,
    cj: int,
    through: Float[Tensor, "t d"],
    position: Int[Tensor, " n"],
    edges: Int[Tensor, "b w"],
    real: Tensor,
    slots: Int[Tensor, "b s"],
) -> Float[Tensor, "b s"]:
    """One block of neighbours j: rows b, their edges w, and those of them that are targets s."""
    drops, q = context.drops, context.previous
    top, bottom = context.layers[context.last].summing, context.layers[q].summing
    j, ends = drops.target[edges[:, 0]], drops.source[edges]
    targets = ends.gather(1, slots)
    coefficients = through[position[targets].clamp(min=0)]
    coefficients, constant = to_previous_sum(context, cj, coefficients, j[:, None])

    # The target keeps its edge to j, and its own count is known.
    t_own = factored(context, c, coefficients, targets)
    t = contributions(context, coefficients, ends)
    itself = torch.zeros_like(t, dtype=torch.bool).scatter(2, slots[..., None], True)
    t = torch.where(itself, t_own[..., None], t).masked_fill(~real[:, None], 0)
    loose = (real & drops.droppable[edges])[:, None].expand_as(t)
    if drops.symmetric:
        loose = loose & ~itself  # Else the edge back to the target may vanish on its own.
    low, high = context.ranges[cj]
    limit = torch.minimum(drops.usable_budget[j, None], loose.sum(dim=2)).clamp(max=high)

    deepest = min(high, int(limit.max()))
    removed = torch.zeros_like(t[..., :1])
    if deepest:
        best = t.masked_fill(~loose, -torch.inf).topk(deepest).values
        steps = torch.arange(1, deepest + 1, device=t.device)
        best = best.masked_fill(steps > limit[..., None], 0)
        removed = torch.cat([removed, best.cumsum(dim=2)], dim=2)
    r = torch.arange(low, max(low, deepest + 1), device=t.device)
    if not len(r):
        return torch.full_like(t_own, torch.inf)
    left = (drops.degree[j, None] - r).clamp(min=0).to(t)[:, None]
    own_box = context.traces[q].own[cj]
    own = scaled(bottom.root(left), dot_bounds(coefficients, own_box.at(j[:, None])))
    sums = bottom.row(left) * (t.sum(dim=2, keepdim=True) - removed[..., r]) + own
    sums = top.column(left) * (sums + constant[..., None])
    return sums.masked_fill(r > limit[..., None], torch.inf).amin(dim=2)


def _own_and_sum(
    context: Context,
    c: int,
    own: Float[Tensor, "t d"],
    pairs: Float[Tensor, " e"],
    nodes: Int[Tensor, " t"],
    position: Int[Tensor, " n"],
) -> Float[Tensor, " t"]:
    """The node's own term and its neighbours together: the same edges vanish in both layers.

    The own term is bounded twice, by its box and along its own neighbours; for each number of
    lost edges the larger total counts.
    """
    drops, q = context.drops, context.previous
    top = context.layers[context.last].summing
    box = received(context, c)
    if context.last == 0:
        box = context.traces[0].own[c]
    flat = dot_bounds(own, box.at(nodes))
    linear = None
    if q >= 0:
        coefficients, constant = to_previous_sum(context, c, own, nodes)
        wanted = (position[drops.target] >= 0).nonzero()[:, 0]
        rows, cols = position[drops.target[wanted]], drops.source[wanted]
        spokes = torch.zeros_like(pairs).index_put(
            (wanted,), mail_least(context, coefficients, rows, cols)
        )
        inner = dot_bounds(coefficients, context.traces[q].own[c].at(nodes))
        linear = (spokes, inner, constant)

    least = torch.full_like(own[:, 0], torch.inf)
    low, high = context.ranges[c]
    for group in group_by_degree(drops.target, drops.degree, nodes):
        able = drops.usable_budget[group.nodes]
        for r in range(low, min(high, int(able.max())) + 1):
            at = able >= r
            members, edges, real = (part[at] for part in group)
            t = position[members]
            left = (drops.degree[members] - r).to(pairs)[:, None]
            row, root = top.row(left), top.root(left)
            outer = row * pairs[edges]
            total = without_top(drops, outer, edges, real, r)
            total = total + scaled(root, tuple(end[t] for end in flat))[:, 0]
            # A negative own factor (GIN) would turn the lower bound of the own term around.
            if linear is not None and bool((root >= 0).all()):
                spokes, inner, constant = linear
                bottom = context.layers[q].summing
                both = outer + root * bottom.row(left) * spokes[edges]
                mine = scaled(bottom.root(left), tuple(end[t] for end in inner))[:, 0]
                other = without_top(drops, both, edges, real, r)
                total = torch.maximum(total, other + root[:, 0] * (mine + constant[t]))
            least = least.index_put((t,), torch.minimum(least[t], total))
    return least

"""Certified bounds that follow the target's own coefficients through two layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.bounds.backward import pull_back, root_weight, through_activation, to_last_propagation
from gclkit.bounds.box import Box
from gclkit.bounds.by_count import (
    Count,
    CountTrace,
    can_lose,
    count_ranges,
    factor_range,
    mailed,
    trace_by_count,
)
from gclkit.bounds.edge_drop_set import EdgeDropSet
from gclkit.bounds.layers import Layer
from gclkit.bounds.neighborhoods import group_by_degree
from gclkit.bounds.relaxation import relax
from gclkit.bounds.sparse import edge_dot

BLOCK_NUMEL = 2**23


class Context(NamedTuple):
    """What every step of the bound reads.

    Args:
        layers: The encoder.
        traces: Boxes per layer and range of lost edges.
        drops: The set.
        ranges: The ranges.
        last: Index of the last layer with neighbours.
        previous: Index of the one before, -1 if there is none.
        mail: Contributions of neighbours in that layer, over all their counts.
        lower: Kind of lower line.
    """

    layers: Sequence[Layer]
    traces: list[CountTrace]
    drops: EdgeDropSet
    ranges: list[Count]
    last: int
    previous: int
    mail: Box | None
    lower: str


def two_hop_bound(
    layers: Sequence[Layer],
    x: Float[Tensor, "n f"],
    directions: Float[Tensor, "t d"],
    drops: EdgeDropSet,
    *,
    nodes: Int[Tensor, " t"],
    lower: str = "adaptive",
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
        lower: Kind of lower line, see :func:`gclkit.bounds.relaxation.relax`.

    Memory: O(e + n d) per range plus one block of paths. Time: paths of length two x channels
    x pairs of ranges, as batched matrix products.
    """
    ranges = count_ranges(int(drops.usable_budget.max()))
    traces = trace_by_count(layers, x, drops, ranges)
    sums = [k for k, layer in enumerate(layers) if layer.propagation is not None]
    last, previous = sums[-1], (sums[-2] if len(sums) > 1 else -1)
    mail = None
    if previous >= 0 and not traces[previous].sent[0].is_point:
        propagation = layers[previous].propagation
        assert propagation is not None
        mail = mailed(drops, propagation, traces[previous].sent, ranges)
    context = Context(layers, traces, drops, ranges, last, previous, mail, lower)
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
    boxes = [_rows(trace.before[c], nodes) for trace in context.traces]
    k, coefficients, constant = to_last_propagation(
        context.layers, boxes, directions, lower=context.lower
    )
    layer = context.layers[k]
    position = torch.full_like(context.drops.degree, -1)
    position[nodes] = torch.arange(len(nodes), device=nodes.device)
    if k:
        through = pull_back(coefficients, layer.weight)
        own = pull_back(coefficients, root_weight(layer))
    else:
        through = own = coefficients
    pairs = _neighbour_values(context, c, through, position)
    linear = constant + _own_and_sum(context, c, own, pairs, nodes, position)
    return torch.maximum(linear, _dot(directions, _rows(context.traces[-1].after[c], nodes)))


def _neighbour_values(
    context: Context, c: int, through: Float[Tensor, "t d"], position: Int[Tensor, " n"]
) -> Float[Tensor, " e"]:
    """What each neighbour contributes at least, its column factor included, one value per edge
    into a target node; zero on the other edges.
    """
    drops, layer = context.drops, context.layers[context.last]
    assert layer.propagation is not None
    wanted = (position[drops.target] >= 0).nonzero()[:, 0]
    rows, cols = position[drops.target[wanted]], drops.source[wanted]
    values = torch.full_like(drops.target, torch.inf, dtype=through.dtype)
    for cj, span in enumerate(context.ranges):
        able = can_lose(drops, span)[cols].nonzero()[:, 0]
        if not len(able):
            continue
        edges, i, j = wanted[able], rows[able], cols[able]
        box = _received(context, cj)
        dots = _edge_least(i, j, through, box)
        low, high = factor_range(drops, layer.propagation, span, dots)
        least = torch.minimum(low[j, 0] * dots, high[j, 0] * dots)
        if context.previous >= 0:
            linear = torch.full_like(values, -torch.inf)
            for at, found in _paths(context, c, cj, through, position):
                linear = linear.index_put((at,), found)
            least = torch.maximum(least, linear[edges])
        values = values.index_put((edges,), torch.minimum(values[edges], least))
    return torch.where(position[drops.target] >= 0, values, torch.zeros_like(values))


def _received(context: Context, cj: int) -> Box:
    """The box of what the last sum receives, given the sender's count."""
    if context.last:
        return context.traces[context.last - 1].after[cj]
    return context.traces[0].sent[cj]


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
    top, bottom = context.layers[context.last].propagation, context.layers[q].propagation
    assert top is not None and bottom is not None
    j, ends = drops.target[edges[:, 0]], drops.source[edges]
    targets = ends.gather(1, slots)
    coefficients = through[position[targets].clamp(min=0)]
    coefficients, constant = _to_previous_sum(context, cj, coefficients, j[:, None])

    # The target keeps its edge to j, and its own count is known.
    t_own = _factored(context, c, coefficients, targets)
    t = _contributions(context, coefficients, ends)
    itself = torch.zeros_like(t, dtype=torch.bool).scatter(2, slots[..., None], True)
    t = torch.where(itself, t_own[..., None], t).masked_fill(~real[:, None], 0)
    loose = (real & drops.droppable[edges])[:, None] & ~itself
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
    own = _scaled(bottom.root(left), _bounds(coefficients, _rows(own_box, j[:, None])))
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
    top = context.layers[context.last].propagation
    assert top is not None
    box = _received(context, c)
    if context.last == 0:
        box = context.traces[0].own[c]
    flat = _bounds(own, _rows(box, nodes))
    linear = None
    if q >= 0:
        coefficients, constant = _to_previous_sum(context, c, own, nodes)
        wanted = (position[drops.target] >= 0).nonzero()[:, 0]
        rows, cols = position[drops.target[wanted]], drops.source[wanted]
        spokes = torch.zeros_like(pairs).index_put(
            (wanted,), _mail_least(context, coefficients, rows, cols)
        )
        inner = _bounds(coefficients, _rows(context.traces[q].own[c], nodes))
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
            total = _without_top(drops, outer, edges, real, r)
            total = total + _scaled(root, tuple(end[t] for end in flat))[:, 0]
            # A negative own factor (GIN) would turn the lower bound of the own term around.
            if linear is not None and bool((root >= 0).all()):
                spokes, inner, constant = linear
                bottom = context.layers[q].propagation
                assert bottom is not None
                both = outer + root * bottom.row(left) * spokes[edges]
                mine = _scaled(bottom.root(left), tuple(end[t] for end in inner))[:, 0]
                other = _without_top(drops, both, edges, real, r)
                total = torch.maximum(total, other + root[:, 0] * (mine + constant[t]))
            least = least.index_put((t,), torch.minimum(least[t], total))
    return least


def _without_top(
    drops: EdgeDropSet, values: Float[Tensor, "b w"], edges: Tensor, real: Tensor, r: int
) -> Float[Tensor, " b"]:
    """The sum of each row without its r largest droppable entries."""
    total = values.masked_fill(~real, 0).sum(dim=1)
    if not r:
        return total
    loose = values.masked_fill(~(real & drops.droppable[edges]), -torch.inf)
    return total - loose.topk(r, dim=1).values.sum(dim=1)


def _to_previous_sum(
    context: Context, c: int, coefficients: Float[Tensor, "*b d"], nodes: Int[Tensor, "*b"]
) -> tuple[Float[Tensor, "*b d2"], Float[Tensor, "*b"]]:
    """Carries coefficients of a node's embedding back to its previous sum, given its count."""
    constant = torch.zeros_like(coefficients[..., 0])
    for k in range(context.last - 1, context.previous - 1, -1):
        layer = context.layers[k]
        box = _rows(context.traces[k].before[c], nodes)
        lines = relax(box, layer.negative_slope, lower=context.lower)
        coefficients, shift = through_activation(coefficients, lines)
        constant = constant + shift
        if layer.bias is not None:
            constant = constant + coefficients @ layer.bias
        if layer.propagation is None:
            coefficients = pull_back(coefficients, layer.weight)
    return coefficients, constant


def _contributions(
    context: Context, coefficients: Float[Tensor, "b s d"], ends: Int[Tensor, "b w"]
) -> Float[Tensor, "b s w"]:
    """Least contribution of each second node, factor included, whatever it lost."""
    if context.mail is not None:
        center = (context.mail.lower + context.mail.upper) / 2
        radius = (context.mail.upper - context.mail.lower) / 2
        middle = coefficients @ center[ends].transpose(1, 2)
        return middle - coefficients.abs() @ radius[ends].transpose(1, 2)
    drops, propagation = context.drops, context.layers[context.previous].propagation
    assert propagation is not None
    value = coefficients @ context.traces[context.previous].sent[0].lower[ends].transpose(1, 2)
    widest = (0, context.ranges[-1][1])
    low, high = factor_range(drops, propagation, widest, value)
    return torch.minimum(low[ends, 0][:, None] * value, high[ends, 0][:, None] * value)


def _factored(
    context: Context, c: int, coefficients: Float[Tensor, "b s d"], nodes: Int[Tensor, "b s"]
) -> Float[Tensor, "b s"]:
    """Least contribution of the target itself to its neighbour, given the target's count."""
    propagation = context.layers[context.previous].propagation
    assert propagation is not None
    value = _dot(coefficients, _rows(context.traces[context.previous].sent[c], nodes))
    low, high = factor_range(context.drops, propagation, context.ranges[c], value)
    return torch.minimum(low[nodes, 0] * value, high[nodes, 0] * value)


def _mail_least(
    context: Context, coefficients: Float[Tensor, "t d"], rows: Tensor, cols: Tensor
) -> Float[Tensor, " k"]:
    """Least contribution of neighbours to the node's own previous sum, one value per edge."""
    if context.mail is not None:
        return _edge_least(rows, cols, coefficients, context.mail)
    drops, propagation = context.drops, context.layers[context.previous].propagation
    assert propagation is not None
    sent = context.traces[context.previous].sent[0]
    value = _edge_least(rows, cols, coefficients, sent)
    low, high = factor_range(drops, propagation, (0, context.ranges[-1][1]), value)
    return torch.minimum(low[cols, 0] * value, high[cols, 0] * value)


def _edge_least(
    rows: Tensor, cols: Tensor, coefficients: Float[Tensor, "t d"], box: Box
) -> Float[Tensor, " k"]:
    """Least inner product of each edge's coefficients with the box of its sender."""
    order = rows.argsort(stable=True)
    back = torch.empty_like(order)
    back[order] = torch.arange(len(order), device=order.device)
    rows, cols = rows[order], cols[order]
    if box.is_point:
        return edge_dot(rows, cols, coefficients, box.lower)[back]
    low = edge_dot(rows, cols, coefficients.clamp(min=0), box.lower)
    return (low + edge_dot(rows, cols, coefficients.clamp(max=0), box.upper))[back]


def _rows(box: Box, nodes: Tensor) -> Box:
    """The box of some nodes."""
    lower = box.lower[nodes]
    return Box(lower, lower if box.is_point else box.upper[nodes])


def _dot(coefficients: Tensor, box: Box) -> Tensor:
    """Least inner product with any point of a box, along the last dimension."""
    return _bounds(coefficients, box)[0]


def _bounds(coefficients: Tensor, box: Box) -> tuple[Tensor, Tensor]:
    """Least and largest inner product with any point of a box."""
    if box.is_point:
        value = (coefficients * box.lower).sum(dim=-1)
        return value, value
    middle = (coefficients * (box.lower + box.upper) / 2).sum(dim=-1)
    spread = (coefficients.abs() * (box.upper - box.lower) / 2).sum(dim=-1)
    return middle - spread, middle + spread


def _scaled(factor: Tensor, ends: tuple[Tensor, ...]) -> Tensor:
    """The smaller of a factor times both ends, one more dimension at the end."""
    return torch.minimum(*(factor * end[..., None] for end in ends))

"""Boxes of every layer, separately for each number of edges that a node may have lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gclkit.bounds.aggregation import Count, column_ends, least_sums
from gclkit.bounds.box import Box, activate, multiply, point, shift
from gclkit.bounds.edge_drop_set import EdgeDropSet
from gclkit.bounds.layers import Layer
from gclkit.bounds.neighborhoods import Neighborhoods, group_by_degree
from gclkit.bounds.propagation import Propagation
from gclkit.checks import in_bytes, reject_size
from gclkit.ops.memory import available_bytes

# What certifying all nodes holds, over the boxes alone: measured at 1.25 for 8,000 nodes.
BESIDE_BOXES = 1.35


def count_ranges(largest: int) -> list[Count]:
    """Ranges of lost edges, first and last: 0, 1, 2, 3-4, 5-8, ... up to ``largest``."""
    ranges, low, high = [(0, 0)], 1, 1
    while low <= largest:
        ranges.append((low, min(high, largest)))
        low, high = high + 1, 2 * high
    return ranges


class CountTrace(NamedTuple):
    """Bounds along one layer, one box per range of lost edges.

    Entries of nodes that cannot lose that many edges are those of range 0.

    Args:
        sent: ``h W``.
        own: ``h R``.
        before: Before the activation.
        after: After it.
    """

    sent: list[Box]
    own: list[Box]
    before: list[Box]
    after: list[Box]


def trace_by_count(
    layers: Sequence[Layer], x: Float[Tensor, "n f"], drops: EdgeDropSet, ranges: list[Count]
) -> list[CountTrace]:
    r"""Boxes given the number of edges that the node itself lost.

    A node that loses :math:`r` edges does so in every layer, so the boxes of one layer given
    :math:`r` feed the next: what node :math:`j` sends, factor included, is at least
    :math:`m_j = \min_r c(d_j - r)\, u_{L,j}(r)`, and its own term is that of its own count.
    """
    nodes = torch.arange(drops.num_nodes, device=drops.target.device)
    lists = group_by_degree(drops.target, drops.degree, nodes)
    traces, boxes = [], [point(x)] * len(ranges)
    for layer in layers:
        sent, own = layer.by_weights(partial(_multiply_each, boxes))
        before = sent
        if layer.propagation is not None:
            before = _sums(drops, layer.propagation, lists, sent, own, ranges)
        before = _each(before, partial(shift, bias=layer.bias))
        boxes = _each(before, partial(activate, negative_slope=layer.negative_slope))
        traces.append(CountTrace(sent, own, before, boxes))
    return traces


def trace_bytes(layers: Sequence[Layer], x: Float[Tensor, "n f"], ranges: list[Count]) -> int:
    """Bytes of :func:`trace_by_count` at its peak, what a bound holds of boxes."""
    held = peak = widest = 0  # Columns of boxes: two numbers for each node and range.
    width = x.size(1)
    for k, layer in enumerate(layers):
        made = [w.size(1) for w in (layer.weight, layer.root_weight) if w is not None]
        width = made[0] if made else width
        if k:  # What the first layer sends is one point for all ranges.
            held += sum(made)
            # The own terms turned around, both ends of the sums and a copy of one, which then go.
            peak = max(peak, held + (3 * width if layer.propagation is not None else 0))
        held += 2 * width
        peak = max(peak, held)
        widest = max(widest, width)
    # That of all ranges, the point and the scratch of one box.
    return 2 * x.element_size() * len(x) * (len(ranges) * peak + 4 * widest)


def check_boxes(
    owner: str,
    layers: Sequence[Layer],
    x: Float[Tensor, "n f"],
    drops: EdgeDropSet,
    memory_budget: float | None = None,
) -> None:
    """Raises a ``ValueError`` unless the boxes of ``"two_hop"`` fit into the memory that there is,
    and into the budget.
    """
    ranges = count_ranges(int(drops.usable_budget.max()))
    needed = BESIDE_BOXES * trace_bytes(layers, x, ranges)
    limit: float = available_bytes(x.device)
    if memory_budget is not None:
        limit = min(limit, memory_budget)
    if needed > limit:
        sizes = (
            f"the two_hop bounds of n={len(x)} nodes that lose up to {ranges[-1][1]} edges, of "
            f"{in_bytes(limit)}"
        )
        reject_size(owner, needed, sizes, "use tightness='budget' (--tightness budget)")


def mailed(
    drops: EdgeDropSet, propagation: Propagation, sent: list[Box], ranges: list[Count]
) -> Box:
    """What a neighbour contributes, column factor included, over all counts of its own."""
    lower = upper = None
    for box, span in zip(sent, ranges, strict=True):
        low, high = (end[:, None] for end in column_ends(drops, propagation, box.lower, span))
        ends = torch.minimum(low * box.lower, high * box.lower)
        tops = torch.maximum(low * box.upper, high * box.upper)
        able = can_lose(drops, span)[:, None]
        if lower is None or upper is None:
            lower, upper = ends, tops
        else:
            lower = torch.where(able, torch.minimum(lower, ends), lower)
            upper = torch.where(able, torch.maximum(upper, tops), upper)
    assert lower is not None and upper is not None
    return Box(lower, upper)


def can_lose(drops: EdgeDropSet, span: Count) -> Bool[Tensor, " n"]:
    """Nodes that can lose as many edges as the range begins with."""
    return drops.usable_budget >= span[0]


def _sums(
    drops: EdgeDropSet,
    propagation: Propagation,
    lists: list[Neighborhoods],
    sent: list[Box],
    own: list[Box],
    ranges: list[Count],
) -> list[Box]:
    mail = mailed(drops, propagation, sent, ranges)
    lower = least_sums(drops, propagation, lists, mail.lower, own, ranges)
    flipped = _each(own, Box.__neg__)
    upper = least_sums(drops, propagation, lists, -mail.upper, flipped, ranges)
    return [Box(low, -up) for low, up in zip(lower, upper, strict=True)]


def _multiply_each(boxes: list[Box], weight: Tensor | None) -> list[Box]:
    return _each(boxes, partial(multiply, weight=weight))


def _each(boxes: list[Box], step: Callable[[Box], Box]) -> list[Box]:
    """Applies a step to each box, once where they are one object."""
    if all(box is boxes[0] for box in boxes):
        return [step(boxes[0])] * len(boxes)
    return [step(box) for box in boxes]

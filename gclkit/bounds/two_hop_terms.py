"""Context and terms of the bounds that follow the target through two layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.bounds.aggregation import Count, column_least
from gclkit.bounds.backward import pull_back, through_activation
from gclkit.bounds.box import Box
from gclkit.bounds.by_count import CountTrace
from gclkit.bounds.edge_drop_set import EdgeDropSet
from gclkit.bounds.layers import Layer
from gclkit.bounds.relaxation import relax
from gclkit.bounds.sparse import edge_dot


class Context(NamedTuple):
    """What every step of the bound reads.

    In the functions below ``c`` is the place in ``ranges`` of how many edges the target lost,
    ``cj`` that of its neighbour, and ``r`` a number of edges lost.

    Args:
        layers: The encoder.
        traces: Boxes per layer and range of lost edges.
        drops: The set.
        ranges: The ranges.
        last: Index of the last layer with neighbours.
        previous: Index of the one before, -1 if there is none.
        mail: Contributions of neighbours in that layer, over all their counts.
    """

    layers: Sequence[Layer]
    traces: list[CountTrace]
    drops: EdgeDropSet
    ranges: list[Count]
    last: int
    previous: int
    mail: Box | None


def received(context: Context, cj: int) -> Box:
    """The box of what the last sum receives, given the sender's count."""
    if context.last:
        return context.traces[context.last - 1].after[cj]
    return context.traces[0].sent[cj]


def without_top(
    drops: EdgeDropSet, values: Float[Tensor, "b w"], edges: Tensor, real: Tensor, r: int
) -> Float[Tensor, " b"]:
    """The sum of each row without its r largest droppable entries."""
    total = values.masked_fill(~real, 0).sum(dim=1)
    if not r:
        return total
    loose = values.masked_fill(~(real & drops.droppable[edges]), -torch.inf)
    return total - loose.topk(r, dim=1).values.sum(dim=1)


def to_previous_sum(
    context: Context, c: int, coefficients: Float[Tensor, "*b d"], nodes: Int[Tensor, "*b"]
) -> tuple[Float[Tensor, "*b d2"], Float[Tensor, "*b"]]:
    """Carries coefficients of a node's embedding back to its previous sum, given its count."""
    constant = torch.zeros_like(coefficients[..., 0])
    for k in range(context.last - 1, context.previous - 1, -1):
        layer = context.layers[k]
        box = context.traces[k].before[c].at(nodes)
        lines = relax(box, layer.negative_slope, lower="adaptive")
        coefficients, shift = through_activation(coefficients, lines)
        constant = constant + shift
        if layer.bias is not None:
            constant = constant + coefficients @ layer.bias
        if layer.propagation is None:
            coefficients = pull_back(coefficients, layer.weight)
    return coefficients, constant


def contributions(
    context: Context, coefficients: Float[Tensor, "b s d"], ends: Int[Tensor, "b w"]
) -> Float[Tensor, "b s w"]:
    """Least contribution of each second node, factor included, whatever it lost."""
    if context.mail is not None:
        lower, upper = context.mail.lower[ends], context.mail.upper[ends]
        middle = coefficients @ ((lower + upper) / 2).transpose(1, 2)
        return middle - coefficients.abs() @ ((upper - lower) / 2).transpose(1, 2)
    value = coefficients @ context.traces[context.previous].sent[0].lower[ends].transpose(1, 2)
    propagation = context.layers[context.previous].summing
    return column_least(context.drops, propagation, ends[:, None], value)


def factored(
    context: Context, c: int, coefficients: Float[Tensor, "b s d"], nodes: Int[Tensor, "b s"]
) -> Float[Tensor, "b s"]:
    """Least contribution of the target itself to its neighbour, given the target's count."""
    propagation = context.layers[context.previous].summing
    value = least_dot(coefficients, context.traces[context.previous].sent[c].at(nodes))
    return column_least(context.drops, propagation, nodes, value, context.ranges[c])


def mail_least(
    context: Context, coefficients: Float[Tensor, "t d"], rows: Tensor, cols: Tensor
) -> Float[Tensor, " k"]:
    """Least contribution of neighbours to the node's own previous sum, one value per edge."""
    if context.mail is not None:
        return edge_least(rows, cols, coefficients, context.mail)
    sent = context.traces[context.previous].sent[0]
    value = edge_least(rows, cols, coefficients, sent)
    return column_least(context.drops, context.layers[context.previous].summing, cols, value)


def edge_least(
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


def least_dot(coefficients: Tensor, box: Box) -> Tensor:
    """Least inner product with any point of a box, along the last dimension."""
    return dot_bounds(coefficients, box)[0]


def dot_bounds(coefficients: Tensor, box: Box) -> tuple[Tensor, Tensor]:
    """Least and largest inner product with any point of a box."""
    if box.is_point:
        value = (coefficients * box.lower).sum(dim=-1)
        return value, value
    middle = (coefficients * (box.lower + box.upper) / 2).sum(dim=-1)
    spread = (coefficients.abs() * (box.upper - box.lower) / 2).sum(dim=-1)
    return middle - spread, middle + spread


def scaled(factor: Tensor, ends: tuple[Tensor, ...]) -> Tensor:
    """The smaller of a factor times both ends, one more dimension at the end."""
    return torch.minimum(*(factor * end[..., None] for end in ends))

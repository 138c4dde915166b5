"""Forward passes through the steps of an encoder: exact on one view, boxes on a set."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gclkit.bounds.aggregation import budgeted, plain
from gclkit.bounds.blocks import as_row, by_columns
from gclkit.bounds.box import Box, activate, multiply, point, shift
from gclkit.bounds.edge_drop_set import EdgeDropSet
from gclkit.bounds.layers import Layer
from gclkit.bounds.propagation import Propagation


class Trace(NamedTuple):
    """Bounds along one layer.

    Args:
        sent: What a node sends to its neighbours, ``h W``.
        own: The node's own term, ``h R``.
        before: Before the activation, bias included.
        negative_slope: Of the activation.
    """

    sent: Box
    own: Box
    before: Box
    negative_slope: Tensor

    @property
    def after(self) -> Box:
        """After the activation; computed anew, as most callers need ``before`` only."""
        return activate(self.before, self.negative_slope)


def trace_boxes(
    layers: Sequence[Layer], x: Float[Tensor, "n f"], drops: EdgeDropSet, tightness: str
) -> list[Trace]:
    """Boxes that hold every value that any view of the set produces.

    Args:
        layers: The encoder.
        x: Features, the same in every view.
        drops: The views.
        tightness: ``"interval"`` moves every matrix entry on its own; anything else counts
            edges (:func:`gclkit.bounds.aggregation.budgeted`).
    """
    aggregate = _plain_by_columns if tightness == "interval" else budgeted
    traces: list[Trace] = []
    for layer in layers:
        sent, own = maps(layer, traces, x)
        before = sent
        if layer.propagation is not None:
            before = aggregate(drops, layer.propagation, sent, own)
        before = shift(before, layer.bias)
        traces.append(Trace(sent, own, before, layer.negative_slope))
    return traces


def maps(layer: Layer, traces: Sequence[Trace], x: Tensor) -> tuple[Box, Box]:
    """What a layer sends and keeps of the output of the one before, or of the features; one
    object where both have the same weights.
    """
    step = partial(_map_activated, traces[-1]) if traces else partial(multiply, point(x))
    return layer.by_weights(step)


def _map_activated(trace: Trace, weight: Tensor | None) -> Box:
    """``multiply(trace.after, weight)``, its inner matrices recomputed in the backward pass."""
    if weight is None or trace.before.is_point:
        return multiply(trace.after, weight)

    def step(low: Tensor, high: Tensor, slope: Tensor, transposed: Tensor) -> tuple[Tensor, Tensor]:
        box = activate(Box(low, high), slope)
        center, radius = (box.lower + box.upper) / 2, (box.upper - box.lower) / 2
        return center @ transposed.t(), radius @ transposed.t().abs()

    slope = as_row(trace.negative_slope, weight.shape[0], trace.before.lower)
    center, radius = by_columns(step, *trace.before, slope, weight.t(), add=True)
    return Box(center - radius, center + radius)


def _plain_by_columns(drops: EdgeDropSet, propagation: Propagation, u: Box, v: Box) -> Box:
    size = 1 if u.is_point else 2

    def step(*ends: Tensor) -> Box:
        sent = Box(ends[0], ends[size - 1])
        own = Box(ends[size], ends[-1]) if len(ends) > size else sent
        return plain(drops, propagation, sent, own)

    # Handed over once where both are one box: there is one gradient then, too.
    ends = u[:size] if v is u else (*u[:size], *v[:size])
    return Box(*by_columns(step, *ends, shared=propagation.parameters))


def trace_view(
    layers: Sequence[Layer],
    x: Float[Tensor, "n f"],
    drops: EdgeDropSet,
    kept: Bool[Tensor, " e"],
    *,
    first: Trace | None = None,
) -> list[Trace]:
    """The values on one view, as point boxes.

    Args:
        layers: The encoder.
        x: Features of the view.
        drops: The graph.
        kept: The edges that the view holds.
        first: A trace of the first layer for the same features, whose products are taken over.
    """
    degree = drops.count(kept)
    traces: list[Trace] = []
    for layer in layers:
        if not traces and first is not None:
            sent, own = first.sent, first.own
        else:
            sent, own = maps(layer, traces, x)
        y = sent.lower
        y = ViewSum(layer, drops, kept, degree.to(y))(y, own.lower)
        traces.append(Trace(sent, own, shift(point(y), layer.bias), layer.negative_slope))
    return traces


class ViewSum:
    """The neighbourhood sum of a layer on one view; a layer without one hands on what it gets.

    Args:
        layer: The layer.
        drops: The graph.
        kept: The edges of the view.
        degree: Degrees on it.
    """

    def __init__(
        self,
        layer: Layer,
        drops: EdgeDropSet,
        kept: Bool[Tensor, " e"],
        degree: Float[Tensor, " n"],
    ) -> None:
        self.drops = drops
        self.matrix, self.root = None, torch.zeros_like(degree)
        if layer.propagation is not None:
            self.matrix = view_matrix(layer, drops, kept, degree)
            self.root = layer.propagation.root(degree)

    def __call__(
        self, sent: Float[Tensor, "n d"], own: Float[Tensor, "n d"]
    ) -> Float[Tensor, "n d"]:
        """The sum with the node's own term."""
        if self.matrix is None:
            return sent
        return self.neighbors(sent) + self.root[:, None] * own

    def neighbors(self, sent: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """The sum over the neighbours alone."""
        assert self.matrix is not None
        return self.drops.product(self.matrix, sent)


def view_matrix(
    layer: Layer, drops: EdgeDropSet, kept: Bool[Tensor, " e"], degree: Float[Tensor, " n"]
) -> Tensor:
    """The propagation matrix of a layer on one view, without the node's own term."""
    row, column = layer.summing.row(degree), layer.summing.column(degree)
    return drops.matrix(row[drops.target] * column[drops.source] * kept)

"""Forward passes through the steps of an encoder: exact on one view, boxes on a set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jaxtyping import Bool, Float
from torch import Tensor

from gclkit.bounds.aggregation import budgeted, plain
from gclkit.bounds.box import Box, activate, multiply, point, shift
from gclkit.bounds.edge_drop_set import EdgeDropSet
from gclkit.bounds.layers import Layer
from gclkit.bounds.sparse import product


class Trace(NamedTuple):
    """Bounds along one layer.

    Args:
        sent: What a node sends to its neighbours, ``h W``.
        own: The node's own term, ``h R``.
        before: Before the activation, bias included.
        after: After the activation.
    """

    sent: Box
    own: Box
    before: Box
    after: Box


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
    aggregate = plain if tightness == "interval" else budgeted
    traces, box = [], point(x)
    for layer in layers:
        sent = multiply(box, layer.weight)
        own = sent if layer.root_weight is None else multiply(box, layer.root_weight)
        before = sent
        if layer.propagation is not None:
            before = aggregate(drops, layer.propagation, sent, own)
        before = shift(before, layer.bias)
        box = activate(before, layer.negative_slope)
        traces.append(Trace(sent, own, before, box))
    return traces


def trace_view(
    layers: Sequence[Layer],
    x: Float[Tensor, "n f"],
    drops: EdgeDropSet,
    kept: Bool[Tensor, " e"],
) -> list[Trace]:
    """The values on one view, as point boxes.

    Args:
        layers: The encoder.
        x: Features of the view.
        drops: The graph.
        kept: The edges that the view holds.
    """
    degree = drops.count(kept)
    traces, h = [], point(x)
    for layer in layers:
        sent = multiply(h, layer.weight)
        own = sent if layer.root_weight is None else multiply(h, layer.root_weight)
        y = sent.lower
        if layer.propagation is not None:
            d = degree.to(y)
            matrix = view_matrix(layer, drops, kept, d)
            y = product(matrix, y) + layer.propagation.root(d)[:, None] * own.lower
        before = shift(point(y), layer.bias)
        h = activate(before, layer.negative_slope)
        traces.append(Trace(sent, own, before, h))
    return traces


def view_matrix(
    layer: Layer, drops: EdgeDropSet, kept: Bool[Tensor, " e"], degree: Float[Tensor, " n"]
) -> Tensor:
    """The propagation matrix of a layer on one view, without the node's own term."""
    assert layer.propagation is not None
    row, column = layer.propagation.row(degree), layer.propagation.column(degree)
    return drops.matrix(row[drops.target] * column[drops.source] * kept)

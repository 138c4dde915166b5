"""A linear lower bound of the compactness at one view: a training signal."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Bool, Float, Int
from torch import Tensor

from gclkit.bounds.backward import at_nodes, pull_back, root_weight, to_last_propagation
from gclkit.bounds.edge_drop_set import EdgeDropSet
from gclkit.bounds.forward import Trace, trace_boxes, trace_view, view_matrix
from gclkit.bounds.layers import Layer
from gclkit.bounds.relaxation import relax
from gclkit.bounds.sparse import product


def pairwise_bound(
    layers: Sequence[Layer],
    x: Float[Tensor, "n f"],
    directions: Float[Tensor, "t d"],
    drops: EdgeDropSet,
    kept: Bool[Tensor, " e"],
    *,
    nodes: Int[Tensor, " t"] | None = None,
    tightness: str = "interval",
) -> Float[Tensor, " t"]:
    r"""A lower bound of :math:`T_i \cdot z_i` on a view inside the set, linear in the
    pre-activations of the last two layers.

    With :math:`\Lambda_i = a_2 \odot T_i`, :math:`\tilde W_i = \Lambda_i W_2^\top` and the
    view's matrix :math:`\hat A'` and exact :math:`y_1`,

    .. math::
        \tilde W_i \cdot (\hat A' (a_1 \odot y_1))_i + \min(\tilde W_i, 0) \cdot
        (\hat A' (a_1 \odot \beta_1))_i + \Lambda_i \cdot (b_2 + [T_i < 0]\, \beta_2).

    The slopes hold on the whole set, so the gradient pushes the bound of the set, while the
    value is at most the true one at the view (methods S19, mode 2). Layers before the last
    two enter with their exact values. Two sparse products; no tensor per pair of nodes.

    Args:
        layers: The encoder.
        x: Features of the view.
        directions: Target vectors of the target nodes.
        drops: A set that holds the view (:meth:`EdgeDropSet.enlarged`).
        kept: The edges of the view.
        nodes: The target nodes. (default: all)
        tightness: Of the intervals behind the slopes, ``"interval"`` or ``"budget"``.
    """
    boxes = trace_boxes(layers, x, drops, tightness)
    k, coefficients, constant = to_last_propagation(layers, at_nodes(boxes, nodes), directions)
    values = trace_view(layers[: max(k, 1)], x, drops, kept)

    def pick(rows: Tensor) -> Tensor:
        return rows if nodes is None else rows[nodes]

    layer = layers[k]
    if k == 0:
        bias = 0 if layer.bias is None else layer.bias
        y = pick(values[0].before.lower) - bias
        return constant + (y * coefficients).sum(dim=-1)
    below, above = _lines_at(layers[k - 1], boxes[k - 1], values[k - 1])
    assert layer.propagation is not None
    degree = drops.count(kept).to(below)
    matrix = view_matrix(layer, drops, kept, degree)
    through = pull_back(coefficients, layer.weight)
    own = pull_back(coefficients, root_weight(layer))
    own = own * pick(layer.propagation.root(degree))[:, None]
    pairs = (
        (through.clamp(min=0), product(matrix, below)),
        (through.clamp(max=0), product(matrix, above)),
        (own.clamp(min=0), below),
        (own.clamp(max=0), above),
    )
    return constant + sum((weight * pick(rows)).sum(dim=-1) for weight, rows in pairs)


def _lines_at(layer: Layer, box: Trace, value: Trace) -> tuple[Tensor, Tensor]:
    """The lower and upper line of an activation at the values of the view."""
    lines = relax(box.before, layer.negative_slope)
    y = value.before.lower
    return lines.lower_slope * y, lines.upper_slope * y + lines.upper_shift

"""A linear lower bound of the compactness at one view: a training signal."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Bool, Float, Int
from torch import Tensor

from gclkit.bounds.backward import at_nodes, pull_back, to_last_propagation
from gclkit.bounds.blocks import as_row, by_columns
from gclkit.bounds.box import Box, parts
from gclkit.bounds.edge_drop_set import EdgeDropSet
from gclkit.bounds.forward import trace_boxes, trace_view, view_matrix
from gclkit.bounds.layers import Layer
from gclkit.bounds.relaxation import relax


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
    values = trace_view(layers[: max(k, 1)], x, drops, kept, first=boxes[0])

    def pick(rows: Tensor) -> Tensor:
        return rows if nodes is None else rows[nodes]

    layer = layers[k]
    if k == 0:
        bias = 0 if layer.bias is None else layer.bias
        y = pick(values[0].before.lower) - bias
        return constant + (y * coefficients).sum(dim=-1)
    assert layer.propagation is not None
    degree = drops.count(kept).to(constant)
    matrix, root = view_matrix(layer, drops, kept, degree), layer.propagation.root(degree)
    through = pull_back(coefficients, layer.weight)
    inputs = [through]
    if layer.root_weight is not None:
        inputs.append(pull_back(coefficients, layer.root_weight))

    def step(
        low: Tensor, high: Tensor, y: Tensor, slope: Tensor, through: Tensor, *rest: Tensor
    ) -> tuple[Tensor]:
        _, chord, lift = relax(Box(low, high), slope)
        line = chord * y
        own = (rest[0] if rest else through) * pick(root)[:, None]
        score = through * pick(drops.product(matrix, line)) + own * pick(line)
        score = score + parts(through)[1] * pick(drops.product(matrix, lift))
        return ((score + parts(own)[1] * pick(lift)).sum(dim=-1),)

    box, y = boxes[k - 1].before, values[k - 1].before.lower
    slope = as_row(layers[k - 1].negative_slope, y.shape[1], y)
    return constant + by_columns(step, *box, y, slope, *inputs)[0]

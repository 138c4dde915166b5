"""A linear lower bound of the compactness at one view: a training signal."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from jaxtyping import Bool, Float, Int
from torch import Tensor

from gclkit.bounds.backward import pull_back, to_last_propagation
from gclkit.bounds.blocks import as_row, by_columns
from gclkit.bounds.box import Box, parts
from gclkit.bounds.edge_drop_set import EdgeDropSet
from gclkit.bounds.forward import ViewSum, maps, trace_boxes, trace_view
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
    value is at most the true one at the view (Lemma 1 twice, see *Pairwise* in
    :mod:`gclkit.bounds`). Layers before the last two enter with their exact values. Two sparse
    products; no tensor per pair of nodes.

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
    before = [box.before.at(nodes) for box in boxes]
    k, coefficients, constant = to_last_propagation(layers, before, directions)

    def pick(rows: Tensor) -> Tensor:
        return rows if nodes is None else rows[nodes]

    layer = layers[k]
    if k == 0:
        y = pick(trace_view(layers[:1], x, drops, kept, first=boxes[0])[0].before.lower)
        bias = 0 if layer.bias is None else layer.bias
        return constant + ((y - bias) * coefficients).sum(dim=-1)
    inner = layers[k - 1]
    sent, own = boxes[0].sent, boxes[0].own
    if k > 1:
        values = trace_view(layers[: k - 1], x, drops, kept, first=boxes[0])
        sent, own = maps(inner, values, x)
    degree = drops.count(kept).to(constant)
    near, far = ViewSum(inner, drops, kept, degree), ViewSum(layer, drops, kept, degree)
    through, back = layer.by_weights(partial(pull_back, coefficients))
    split = [] if own is sent else [own.lower]
    split_through = [] if back is through else [back]

    def step(
        low: Tensor,
        high: Tensor,
        slope: Tensor,
        bias: Tensor,
        through: Tensor,
        sent: Tensor,
        *rest: Tensor,
    ) -> tuple[Tensor]:
        _, chord, lift = relax(Box(low, high), slope)
        line = chord * (near(sent, rest[0] if split else sent) + bias)
        root = (rest[-1] if split_through else through) * pick(far.root)[:, None]
        score = through * pick(far.neighbors(line)) + root * pick(line)
        score = score + parts(through)[1] * pick(far.neighbors(lift))
        return ((score + parts(root)[1] * pick(lift)).sum(dim=-1),)

    d = through.shape[1]
    slope, bias = as_row(inner.negative_slope, d, through), as_row(inner.bias, d, through)
    columns = (slope, bias, through, sent.lower, *split, *split_through)
    shared = (near.root, far.root)
    return constant + by_columns(step, *boxes[k - 1].before, *columns, shared=shared)[0]

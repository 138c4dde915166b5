"""The score of the authors' code of POT. It is not a bound."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gclkit.bounds.aggregation import plain
from gclkit.bounds.backward import pull_back
from gclkit.bounds.box import activate, multiply, point, shift
from gclkit.bounds.edge_drop_set import EdgeDropSet
from gclkit.bounds.forward import trace_view, view_matrix
from gclkit.bounds.layers import Layer
from gclkit.bounds.relaxation import relax
from gclkit.checks import unsupported


def published_score(
    layers: Sequence[Layer],
    x: Float[Tensor, "n f"],
    directions: Float[Tensor, "n d"],
    drops: EdgeDropSet,
    kept: Bool[Tensor, " e"],
    *,
    owner: str = "node_compactness",
) -> Float[Tensor, " n"]:
    r"""The published node compactness, :math:`\hat A'(\hat A' r + \tilde b_1) + \tilde b_2`.

    Two things keep it from being a bound: every neighbour uses the coefficients of its own
    direction instead of the target's, and the interval of layer 2 comes from the clean graph.
    It exceeds the true value for more than half of the nodes of Cora on the very view it is
    computed for. It is here to reproduce tables (``VoidHaruhi/POT-GCL@ad4910b9``,
    ``GRACE/model.py``).

    Args:
        layers: Two GCN layers, each with its activation.
        x: Features of the view.
        directions: Target vectors of all nodes.
        drops: The set, budgets not enlarged.
        kept: The edges of the view.
        owner: For messages.

    Raises:
        ValueError: If the encoder is not two GCN layers.
    """
    kinds = [layer.propagation.name if layer.propagation else "Linear" for layer in layers]
    if kinds != ["GCN", "GCN"]:
        what = f"mode 'published' has no meaning for the layers {kinds}"
        unsupported(owner, what, ["GCN, GCN"])
    first, second = layers
    propagation = first.summing
    sent = multiply(point(x), first.weight)
    box = plain(drops, propagation, sent, sent)
    lines1 = relax(shift(box, first.bias), first.negative_slope)

    clean = trace_view(layers[:1], x, drops, torch.ones_like(kept))[0]
    through = multiply(activate(clean.before, first.negative_slope), second.weight)
    box = plain(drops, propagation, through, through)
    lines2 = relax(shift(box, second.bias), second.negative_slope)

    def back(coefficients: Tensor, above: Tensor, bias: Tensor | None, by: Tensor) -> Tensor:
        constant = (by.clamp(max=0) * above).sum(dim=-1)
        return constant if bias is None else constant + coefficients @ bias

    slope2 = lines2.lower_slope * directions
    constant2 = back(slope2, lines2.upper_shift, second.bias, directions)
    through2 = pull_back(slope2, second.weight)
    slope1 = lines1.lower_slope * through2
    constant1 = back(slope1, lines1.upper_shift, first.bias, through2)
    r = (slope1 * sent.lower).sum(dim=-1)

    degree = drops.count(kept).to(r)
    matrix, own = view_matrix(first, drops, kept, degree), propagation.root(degree)

    def propagate(values: Tensor) -> Tensor:
        return drops.product(matrix, values[:, None])[:, 0] + own * values

    return propagate(propagate(r) + constant1) + constant2

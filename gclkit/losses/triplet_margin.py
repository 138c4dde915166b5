from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gclkit.checks import check_positive
from gclkit.losses.views import check_views
from gclkit.ops.full_precision import full_precision
from gclkit.ops.inputs import check_products, widen


@full_precision
def triplet_margin(
    anchors: Float[Tensor, "n d"],
    positives: Float[Tensor, "n d"],
    negatives: Float[Tensor, "n d"],
    *,
    margin: float = 1.0,
) -> Float[Tensor, ""]:
    r"""The triplet loss (`arXiv:1503.03832 <https://arxiv.org/abs/1503.03832>`_) with
    Euclidean distances.

    .. math::
        \mathcal{L} = \frac{1}{n} \sum_i \max(0,\; \|\mathbf{a}_i - \mathbf{p}_i\|
        - \|\mathbf{a}_i - \mathbf{n}_i\| + m)

    Args:
        anchors: One row per triplet.
        positives: Rows that shall be near their anchors.
        negatives: Rows that shall be farther away, by the margin.
        margin: Margin :math:`m > 0`.

    Returns:
        A scalar in fp32 (fp64 for fp64 inputs). Equal rows have distance 0 and gradient 0.

    Raises:
        ValueError: If shapes differ, an input is not finite or so large that squares overflow,
            or the margin is not positive.
    """
    check_views("triplet_margin", anchors, positives, names=("anchors", "positives"))
    check_views("triplet_margin", anchors, negatives, names=("anchors", "negatives"))
    margin = check_positive("triplet_margin", "margin", margin)
    for name, z in (("anchors", anchors), ("positives", positives), ("negatives", negatives)):
        check_products("triplet_margin", name, z, z, times=4.0)  # Of differences up to twice z.
    anchors, positives, negatives = widen(anchors), widen(positives), widen(negatives)
    near = torch.linalg.vector_norm(anchors - positives, dim=1)
    far = torch.linalg.vector_norm(anchors - negatives, dim=1)
    return torch.relu(near - far + margin).mean()


class TripletMargin(torch.nn.Module):
    """The settings of :func:`triplet_margin`.

    Args:
        margin: As in :func:`triplet_margin`.
    """

    def __init__(self, margin: float = 1.0) -> None:
        super().__init__()
        self.margin = check_positive("TripletMargin", "margin", margin)

    def forward(
        self,
        anchors: Float[Tensor, "n d"],
        positives: Float[Tensor, "n d"],
        negatives: Float[Tensor, "n d"],
    ) -> Float[Tensor, ""]:
        return triplet_margin(anchors, positives, negatives, margin=self.margin)

    def extra_repr(self) -> str:
        return f"margin={self.margin}"

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gclkit.checks import check_non_negative
from gclkit.losses.columns import standardize
from gclkit.losses.views import check_views
from gclkit.ops.full_precision import full_precision
from gclkit.ops.inputs import widen


@full_precision
def cca_ssg(
    z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"], *, weight: float = 1e-3
) -> Float[Tensor, ""]:
    r"""The objective of CCA-SSG (`arXiv:2106.12484 <https://arxiv.org/abs/2106.12484>`_,
    Eq. 5).

    .. math::
        \mathcal{L} = \|\tilde Z_1 - \tilde Z_2\|_F^2 + \lambda \big(
        \|\tilde Z_1^{\top} \tilde Z_1 - I\|_F^2 + \|\tilde Z_2^{\top} \tilde Z_2 - I\|_F^2
        \big)

    with columns of mean 0 and unit length, that is of deviation :math:`1/\sqrt n`. Linear in
    the nodes.

    Args:
        z1: Embeddings of the first view, two rows or more. A constant column stays 0.
        z2: Embeddings of the second view, row by row of the same nodes.
        weight: Coefficient :math:`\lambda \ge 0` of the decorrelation.

    Returns:
        A scalar in fp32 (fp64 for fp64 inputs).

    Raises:
        ValueError: If the views differ in shape, have fewer than two rows, or are not finite;
            if the coefficient is negative.
    """
    check_views("cca_ssg", z1, z2, at_least=2)
    weight = check_non_negative("cca_ssg", "weight", weight)
    length = (z1.size(0) - 1) ** 0.5
    first, second = (standardize(widen(z)) / length for z in (z1, z2))
    identity = torch.eye(z1.size(1), dtype=first.dtype, device=first.device)
    decorrelation = sum((z.T @ z - identity).square().sum() for z in (first, second))
    return (first - second).square().sum() + weight * decorrelation


class CCASSG(torch.nn.Module):
    """The settings of :func:`cca_ssg`.

    Args:
        weight: As in :func:`cca_ssg`.
    """

    def __init__(self, *, weight: float = 1e-3) -> None:
        super().__init__()
        self.weight = check_non_negative("CCASSG", "weight", weight)

    def forward(self, z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
        return cca_ssg(z1, z2, weight=self.weight)

    def extra_repr(self) -> str:
        return f"weight={self.weight}"

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gclkit.checks import check_non_negative, check_positive
from gclkit.losses.columns import off_diagonal_square
from gclkit.losses.views import check_views
from gclkit.ops.full_precision import full_precision
from gclkit.ops.inputs import check_products, widen


@full_precision
def vicreg(
    z1: Float[Tensor, "n d"],
    z2: Float[Tensor, "n d"],
    *,
    invariance: float = 25.0,
    variance: float = 25.0,
    covariance: float = 1.0,
    eps: float = 1e-4,
) -> Float[Tensor, ""]:
    r"""VICReg (`arXiv:2105.04906 <https://arxiv.org/abs/2105.04906>`_, Eq. 6).

    .. math::
        \mathcal{L} = \lambda \frac{1}{nd} \|Z_1 - Z_2\|_F^2 + \mu \sum_{v} \frac{1}{2d}
        \sum_a \max\!\big(0, 1 - \sqrt{\mathrm{var}_a(Z_v) + \epsilon}\big)
        + \nu \sum_v \frac{1}{d} \sum_{a \ne b} \mathrm{cov}_{ab}(Z_v)^2

    The constants are those of the authors' code, where the
    invariance is a mean over entries and the variance one over the views.

    Args:
        z1: Embeddings of the first view, two rows or more.
        z2: Embeddings of the second view, row by row of the same nodes.
        invariance: Coefficient :math:`\lambda \ge 0`.
        variance: Coefficient :math:`\mu \ge 0`.
        covariance: Coefficient :math:`\nu \ge 0`.
        eps: Added to variances, so that a constant column has a gradient; positive.

    Returns:
        A scalar in fp32 (fp64 for fp64 inputs).

    Raises:
        ValueError: If the views differ in shape, have fewer than two rows, or are not finite
            or so large that squared covariances overflow; if a coefficient is negative.
    """
    check_views("vicreg", z1, z2, at_least=2)
    check_non_negative("vicreg", "invariance", invariance)
    check_non_negative("vicreg", "variance", variance)
    check_non_negative("vicreg", "covariance", covariance)
    check_positive("vicreg", "eps", eps)
    for name, z in (("z1", z1), ("z2", z2)):
        # Entries of a covariance are at most 8 squares of entries, and they are squared.
        check_products("vicreg", name, z, z, z, z, times=64 * covariance)
    z1, z2 = widen(z1), widen(z2)
    n, d = z1.shape
    loss = invariance * (z1 - z2).square().mean()
    for z in (z1, z2):
        centered = z - z.mean(dim=0)
        matrix = centered.T @ centered / (n - 1)
        deviation = (matrix.diagonal() + eps).sqrt()
        loss = loss + variance * torch.relu(1.0 - deviation).mean() / 2
        loss = loss + covariance * off_diagonal_square(matrix) / d
    return loss


class VICReg(torch.nn.Module):
    """The settings of :func:`vicreg`.

    Args:
        invariance: As in :func:`vicreg`.
        variance: As in :func:`vicreg`.
        covariance: As in :func:`vicreg`.
        eps: As in :func:`vicreg`.
    """

    def __init__(
        self,
        *,
        invariance: float = 25.0,
        variance: float = 25.0,
        covariance: float = 1.0,
        eps: float = 1e-4,
    ) -> None:
        super().__init__()
        self.invariance = check_non_negative("VICReg", "invariance", invariance)
        self.variance = check_non_negative("VICReg", "variance", variance)
        self.covariance = check_non_negative("VICReg", "covariance", covariance)
        self.eps = check_positive("VICReg", "eps", eps)

    def forward(self, z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
        return vicreg(
            z1,
            z2,
            invariance=self.invariance,
            variance=self.variance,
            covariance=self.covariance,
            eps=self.eps,
        )

    def extra_repr(self) -> str:
        return (
            f"invariance={self.invariance}, variance={self.variance}, covariance={self.covariance}"
        )

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import Unpack

from gclkit.checks import check_positive
from gclkit.losses.negatives import negatives_logsumexp
from gclkit.losses.temperature import as_number, check_temperature
from gclkit.losses.views import unit_views, zero_loss
from gclkit.ops import BlockOptions
from gclkit.ops.full_precision import full_precision
from gclkit.ops.options import check_options


@full_precision
def dclw(
    z1: Float[Tensor, "n d"],
    z2: Float[Tensor, "n d"],
    *,
    temperature: float | Float[Tensor, ""] = 0.1,
    sigma: float = 0.5,
    detach_weight: bool = True,
    **options: Unpack[BlockOptions],
) -> Float[Tensor, ""]:
    r"""Decoupled contrast with a von Mises-Fisher weight on the positive
    (`arXiv:2110.06848 <https://arxiv.org/abs/2110.06848>`_, Eq. 7): hard positives weigh more.

    .. math::
        \ell_i = -w_i \frac{s_{ii}}{\tau} + \log \sum_{j \ne i} \Big(
        e^{s^{11}_{ij}/\tau} + e^{s^{12}_{ij}/\tau} \Big), \qquad
        w_i = 2 - \frac{n\, e^{s_{ii}/\sigma}}{\sum_k e^{s_{kk}/\sigma}}

    The weights have mean 1; a weight may be negative.

    Args:
        z1: Embeddings of the first view; no row is zero.
        z2: Embeddings of the second view, row by row of the same nodes.
        temperature: Temperature :math:`\tau > 0`, a number or a tensor, which may be learned.
        sigma: Concentration :math:`\sigma > 0`; large values give :func:`dcl`.
        detach_weight: Take no gradient of the weights. The authors' code takes it.
        **options: How blocks are computed, :class:`gclkit.ops.BlockOptions`.

    Returns:
        A scalar in nats, in fp32 (fp64 for fp64 inputs).

    Raises:
        ValueError: As :func:`gclkit.losses.infonce`; if :obj:`sigma` is not positive.
    """
    sigma = check_positive("dclw", "sigma", sigma)
    u1, u2, scale = unit_views("dclw", z1, z2, temperature)
    if u1.size(0) == 1:
        return zero_loss(u1, u2)
    positive = (u1 * u2).sum(dim=1)
    weight = 2.0 - u1.size(0) * torch.softmax(positive / sigma, dim=0)
    if detach_weight:
        weight = weight.detach()
    (negatives,) = negatives_logsumexp("dclw", u1, u2, scale, **options)
    return (negatives - (scale * weight * positive).repeat(2)).mean()


class DCLW(torch.nn.Module):
    """The settings of :func:`dclw`.

    Args:
        temperature: As in :func:`dclw`.
        sigma: As in :func:`dclw`.
        detach_weight: As in :func:`dclw`.
        **options: As in :func:`dclw`.
    """

    def __init__(
        self,
        temperature: float | Float[Tensor, ""] = 0.1,
        *,
        sigma: float = 0.5,
        detach_weight: bool = True,
        **options: Unpack[BlockOptions],
    ) -> None:
        super().__init__()
        self.temperature = check_temperature("DCLW", temperature)
        self.sigma = check_positive("DCLW", "sigma", sigma)
        self.detach_weight = detach_weight
        self.options = check_options("DCLW", **options)

    def forward(self, z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
        return dclw(
            z1,
            z2,
            temperature=self.temperature,
            sigma=self.sigma,
            detach_weight=self.detach_weight,
            **self.options,
        )

    def extra_repr(self) -> str:
        return f"temperature={as_number(self.temperature)}, sigma={self.sigma}"

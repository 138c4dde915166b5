from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import Unpack

from gclkit.checks import check_probability, reject
from gclkit.losses.negatives import negatives_logsumexp
from gclkit.losses.softplus import softplus
from gclkit.losses.temperature import as_number, check_temperature
from gclkit.losses.views import unit_views, zero_loss
from gclkit.ops import BlockOptions
from gclkit.ops.full_precision import full_precision
from gclkit.ops.options import check_options


@full_precision
def debiased_infonce(
    z1: Float[Tensor, "n d"],
    z2: Float[Tensor, "n d"],
    *,
    temperature: float | Float[Tensor, ""] = 0.5,
    class_prior: float = 0.1,
    **options: Unpack[BlockOptions],
) -> Float[Tensor, ""]:
    r"""Debiased InfoNCE (`arXiv:2007.00224 <https://arxiv.org/abs/2007.00224>`_, Eq. 8),
    which takes the expected share of false negatives out of the denominator.

    .. math::
        \ell_i = -\log \frac{p_i}{p_i + G_i}, \qquad
        G_i = \max \Big( \frac{\sum_k g_{ik} - N \tau^+ p_i}{1 - \tau^+},\;
        N e^{-1/\tau} \Big)

    with :math:`p_i = e^{s_{ii}/\tau}` and the :math:`N = 2(n - 1)` negatives
    :math:`g_{ik}` of both views. :math:`\tau^+ = 0` is :func:`gclkit.losses.infonce`.
    A single node has no negatives: its loss is 0.

    Args:
        z1: Embeddings of the first view; no row is zero.
        z2: Embeddings of the second view, row by row of the same nodes.
        temperature: Temperature :math:`\tau > 0`, a number or a tensor, which may be learned.
        class_prior: Probability :math:`\tau^+ \in [0, 1)` that a negative is a positive.
        **options: How blocks are computed, :class:`gclkit.ops.BlockOptions`.

    Returns:
        A scalar in nats, in fp32 (fp64 for fp64 inputs); it is never negative.

    Raises:
        ValueError: As :func:`gclkit.losses.infonce`; if :obj:`class_prior` is not in [0, 1).
    """
    owner = "debiased_infonce"
    prior = check_prior(owner, class_prior)
    u1, u2, scale = unit_views(owner, z1, z2, temperature)
    if u1.size(0) == 1:
        return zero_loss(u1, u2)
    positive = scale * (u1 * u2).sum(dim=1).repeat(2)
    (negatives,) = negatives_logsumexp(owner, u1, u2, scale, **options)
    corrected = debias(negatives, positive, 2 * (u1.size(0) - 1), prior, scale)
    return softplus(corrected - positive).mean()


def check_prior(owner: str, class_prior: float) -> float:
    """Returns a probability below 1, else raises a ``ValueError``."""
    if check_probability(owner, "class_prior", class_prior) == 1.0:
        reject(owner, "class_prior", "a probability below 1", class_prior)
    return float(class_prior)


def debias(
    negatives: Float[Tensor, " n"],
    positive: Float[Tensor, " n"],
    count: int,
    prior: float,
    scale: float | Tensor,
) -> Float[Tensor, " n"]:
    r"""Returns :math:`\log G_i` from the logarithms of its parts, without leaving log space."""
    floor = math.log(count) - scale
    if prior == 0.0:
        return negatives.clamp(min=floor)
    excess = positive + math.log(count * prior) - negatives
    # Guards the branch that torch.where discards: log of 0 there would poison the gradient.
    room = torch.where(excess < 0, excess, -1.0)
    corrected = negatives + torch.log(-torch.expm1(room)) - math.log1p(-prior)
    return torch.where(excess < 0, corrected, floor).clamp(min=floor)


class DebiasedInfoNCE(torch.nn.Module):
    """The settings of :func:`debiased_infonce`.

    Args:
        temperature: As in :func:`debiased_infonce`.
        class_prior: As in :func:`debiased_infonce`.
        **options: As in :func:`debiased_infonce`.
    """

    def __init__(
        self,
        temperature: float | Float[Tensor, ""] = 0.5,
        *,
        class_prior: float = 0.1,
        **options: Unpack[BlockOptions],
    ) -> None:
        super().__init__()
        self.temperature = check_temperature("DebiasedInfoNCE", temperature)
        self.class_prior = check_prior("DebiasedInfoNCE", class_prior)
        self.options = check_options("DebiasedInfoNCE", **options)

    def forward(self, z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
        return debiased_infonce(
            z1, z2, temperature=self.temperature, class_prior=self.class_prior, **self.options
        )

    def extra_repr(self) -> str:
        return f"temperature={as_number(self.temperature)}, class_prior={self.class_prior}"

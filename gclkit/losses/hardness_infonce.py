from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import Unpack

from gclkit.checks import check_non_negative
from gclkit.losses.debiased_infonce import check_prior, debias
from gclkit.losses.negatives import negatives_logsumexp
from gclkit.losses.softplus import softplus
from gclkit.losses.temperature import as_number, check_temperature
from gclkit.losses.views import unit_views, zero_loss
from gclkit.ops import BlockOptions
from gclkit.ops.full_precision import full_precision
from gclkit.ops.options import check_options


@full_precision
def hardness_infonce(
    z1: Float[Tensor, "n d"],
    z2: Float[Tensor, "n d"],
    *,
    temperature: float | Float[Tensor, ""] = 0.5,
    class_prior: float = 0.1,
    beta: float = 1.0,
    **options: Unpack[BlockOptions],
) -> Float[Tensor, ""]:
    r"""Hardness-weighted InfoNCE (`arXiv:2010.04592 <https://arxiv.org/abs/2010.04592>`_,
    Eq. 4): :func:`gclkit.losses.debiased_infonce` with negatives weighted by a power of
    their own term.

    .. math::
        \sum_k g_{ik} \quad \text{becomes} \quad
        N \frac{\sum_k g_{ik}^{1 + \beta}}{\sum_k g_{ik}^{\beta}}

    which is a ratio of two log-sum-exps at other temperatures. :math:`\beta = 0` is the
    debiased objective.

    Args:
        z1: Embeddings of the first view; no row is zero.
        z2: Embeddings of the second view, row by row of the same nodes.
        temperature: Temperature :math:`\tau > 0`, a number or a tensor, which may be learned.
        class_prior: Probability :math:`\tau^+ \in [0, 1)` that a negative is a positive.
        beta: Concentration :math:`\beta \ge 0` on hard negatives.
        **options: How blocks are computed, :class:`gclkit.ops.BlockOptions`.

    Returns:
        A scalar in nats, in fp32 (fp64 for fp64 inputs); it is never negative.

    Raises:
        ValueError: As :func:`gclkit.losses.debiased_infonce`; if :obj:`beta` is negative.
    """
    owner = "hardness_infonce"
    prior = check_prior(owner, class_prior)
    beta = check_non_negative(owner, "beta", beta)
    u1, u2, scale = unit_views(owner, z1, z2, temperature)
    if u1.size(0) == 1:
        return zero_loss(u1, u2)
    count = 2 * (u1.size(0) - 1)
    positive = scale * (u1 * u2).sum(dim=1).repeat(2)
    scales = [(1.0 + beta) * scale, beta * scale] if beta > 0 else [scale]
    negatives, *weights = negatives_logsumexp(owner, u1, u2, *scales, **options)
    if weights:
        negatives = negatives - weights[0] + math.log(count)
    corrected = debias(negatives, positive, count, prior, scale)
    return softplus(corrected - positive).mean()


class HardnessInfoNCE(torch.nn.Module):
    """The settings of :func:`hardness_infonce`.

    Args:
        temperature: As in :func:`hardness_infonce`.
        class_prior: As in :func:`hardness_infonce`.
        beta: As in :func:`hardness_infonce`.
        **options: As in :func:`hardness_infonce`.
    """

    def __init__(
        self,
        temperature: float | Float[Tensor, ""] = 0.5,
        *,
        class_prior: float = 0.1,
        beta: float = 1.0,
        **options: Unpack[BlockOptions],
    ) -> None:
        super().__init__()
        self.temperature = check_temperature("HardnessInfoNCE", temperature)
        self.class_prior = check_prior("HardnessInfoNCE", class_prior)
        self.beta = check_non_negative("HardnessInfoNCE", "beta", beta)
        self.options = check_options("HardnessInfoNCE", **options)

    def forward(self, z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
        return hardness_infonce(
            z1,
            z2,
            temperature=self.temperature,
            class_prior=self.class_prior,
            beta=self.beta,
            **self.options,
        )

    def extra_repr(self) -> str:
        temperature = as_number(self.temperature)
        return f"{temperature=}, class_prior={self.class_prior}, beta={self.beta}"

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import Unpack

from gclkit.checks import reject
from gclkit.losses.budget import plan_calls
from gclkit.losses.softplus import softplus
from gclkit.losses.temperature import as_number, check_temperature
from gclkit.losses.views import cosine_weights, unit_views, zero_loss
from gclkit.ops import BlockOptions, similarity_logsumexp
from gclkit.ops.full_precision import full_precision
from gclkit.ops.options import check_options


@full_precision
def weighted_infonce(
    z1: Float[Tensor, "n d"],
    z2: Float[Tensor, "n d"],
    weight: Callable[[Tensor], Tensor],
    *,
    temperature: float | Float[Tensor, ""] = 0.5,
    **options: Unpack[BlockOptions],
) -> Float[Tensor, ""]:
    r"""InfoNCE whose negatives are weighted by a function of their similarity, as in ProGCL
    (`arXiv:2110.02027 <https://arxiv.org/abs/2110.02027>`_, Eq. 7).

    .. math::
        \ell_i = -\frac{s_{ii}}{\tau} + \log \Big( e^{s_{ii}/\tau} + \sum_{v}
        \sum_{j \ne i} \frac{w(s^v_{ij})}{\operatorname{mean}_{k \ne i} w(s^v_{ik})}
        e^{s^v_{ij}/\tau} \Big)

    with the intra-view and the inter-view block :math:`v`, mean over both directions. The
    weights are evaluated inside the blocks and are not differentiated. A constant weight
    gives :func:`gclkit.losses.infonce`. A single node has no negatives: its loss is 0.

    Args:
        z1: Embeddings of the first view; no row is zero.
        z2: Embeddings of the second view, row by row of the same nodes.
        weight: Maps cosine similarities, which lie in [-1, 1] in spite of rounding, to weights
            of at least 0, element by element; positive somewhere in each row.
        temperature: Temperature :math:`\tau > 0`, a number or a tensor, which may be learned.
        **options: How blocks are computed, :class:`gclkit.ops.BlockOptions`.

    Returns:
        A scalar in nats, in fp32 (fp64 for fp64 inputs).

    Raises:
        ValueError: As :func:`gclkit.losses.infonce`; if a weight is below 0, all weights of a row
            are 0 or :obj:`weight` is not element-wise.
    """
    owner = "weighted_infonce"
    u1, u2, scale = unit_views(owner, z1, z2, temperature)
    n = u1.size(0)
    options = plan_calls(owner, u1, n, n, nodes=n, calls=4, **options)
    if n == 1:
        return zero_loss(u1, u2)
    weight = partial(cosine_weights, owner, weight)
    checked = partial(_nan_below_zero, weight)
    own = torch.arange(n, device=u1.device)
    positive = scale * (u1 * u2).sum(dim=1)
    terms = []
    for anchors, others in ((u1, u2), (u2, u1)):
        rest = []
        for keys in (anchors, others):
            both = anchors, keys
            total = similarity_logsumexp(*both, scale, None, own, weight=weight, **options)
            with torch.no_grad():  # Scale 0 leaves the sum of the weights.
                sums = similarity_logsumexp(*both, 0.0, None, own, weight=checked, **options)
            if not bool(sums.isfinite().all()):
                rule = "at least 0 and finite, and positive somewhere in each row"
                reject(owner, "weight", rule, f"row {int((~sums.isfinite()).nonzero()[0])}")
            rest.append(total - sums + math.log(n - 1))
        terms.append(softplus(torch.logaddexp(*rest) - positive))
    return torch.cat(terms).mean()


def _nan_below_zero(weight: Callable[[Tensor], Tensor], similarity: Tensor) -> Tensor:
    """The weights, NaN where they are negative, which the sum of the row shows."""
    factors = weight(similarity)
    return factors.masked_fill(factors < 0, torch.nan)


class WeightedInfoNCE(torch.nn.Module):
    """The settings of :func:`weighted_infonce`.

    Args:
        weight: As in :func:`weighted_infonce`.
        temperature: As in :func:`weighted_infonce`.
        **options: As in :func:`weighted_infonce`.
    """

    def __init__(
        self,
        weight: Callable[[Tensor], Tensor],
        temperature: float | Float[Tensor, ""] = 0.5,
        **options: Unpack[BlockOptions],
    ) -> None:
        super().__init__()
        self.weight = weight
        self.temperature = check_temperature("WeightedInfoNCE", temperature)
        self.options = check_options("WeightedInfoNCE", **options)

    def forward(self, z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
        return weighted_infonce(z1, z2, self.weight, temperature=self.temperature, **self.options)

    def extra_repr(self) -> str:
        return f"temperature={as_number(self.temperature)}"

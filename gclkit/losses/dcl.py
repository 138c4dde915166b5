from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from typing_extensions import Unpack

from gclkit.losses.budget import plan_calls
from gclkit.losses.negatives import negatives_logsumexp
from gclkit.losses.positives import check_positives, mean_over_positives, positive_counts
from gclkit.losses.temperature import as_number, check_temperature
from gclkit.losses.views import unit_views, zero_loss
from gclkit.ops import BlockOptions, similarity_logsumexp
from gclkit.ops.full_precision import full_precision
from gclkit.ops.options import check_options


@full_precision
def dcl(
    z1: Float[Tensor, "n d"],
    z2: Float[Tensor, "n d"],
    *,
    temperature: float | Float[Tensor, ""] = 0.1,
    positives: Int[Tensor, "2 p"] | None = None,
    **options: Unpack[BlockOptions],
) -> Float[Tensor, ""]:
    r"""Decoupled contrast (`arXiv:2110.06848 <https://arxiv.org/abs/2110.06848>`_, Eq. 6):
    InfoNCE without the positive pair in the denominator, mean over both directions.

    .. math::
        \ell_i = -\frac{s^{12}_{ii}}{\tau} + \log \sum_{j \ne i} \Big(
        e^{s^{11}_{ij}/\tau} + e^{s^{12}_{ij}/\tau} \Big)

    The value may be negative. A single node has no negatives: its loss is 0.

    Args:
        z1: Embeddings of the first view; no row is zero.
        z2: Embeddings of the second view, row by row of the same nodes.
        temperature: Temperature :math:`\tau > 0`, a number or a tensor, which may be learned.
        positives: Pairs ``(anchor, positive)``: the positive is a node of the other view. The
            numerator is the mean over an anchor's positives, none of them is in its
            denominator, and anchors without any are left out. (default: its own)
        **options: How blocks are computed, :class:`gclkit.ops.BlockOptions`.

    Returns:
        A scalar in nats, in fp32 (fp64 for fp64 inputs).

    Raises:
        ValueError: As :func:`gclkit.losses.infonce`.
    """
    u1, u2, scale = unit_views("dcl", z1, z2, temperature)
    n = u1.size(0)
    if n == 1:
        return zero_loss(u1, u2)
    if positives is None:
        (negatives,) = negatives_logsumexp("dcl", u1, u2, scale, **options)
        return (negatives - scale * (u1 * u2).sum(dim=1).repeat(2)).mean()

    positives = check_positives("dcl", positives, n)
    index = positive_counts(positives, n).nonzero()[:, 0]
    if index.numel() == 0:
        return zero_loss(u1, u2)
    options = plan_calls("dcl", u1, n, 2 * n, nodes=n, calls=2, **options)
    terms = []
    itself = torch.arange(n, device=u1.device).expand(2, n)
    left_out = torch.cat([itself, positives + torch.tensor([[0], [n]], device=u1.device)], dim=1)
    for anchors, others in ((u1, u2), (u2, u1)):
        keys = torch.cat([anchors, others])
        negatives = similarity_logsumexp(anchors, keys, scale, None, left_out, **options)
        numerator = scale * (anchors * mean_over_positives(positives, others)).sum(dim=1)
        terms.append((negatives - numerator)[index])
    return torch.cat(terms).mean()


class DCL(torch.nn.Module):
    """The settings of :func:`dcl`.

    Args:
        temperature: As in :func:`dcl`.
        **options: As in :func:`dcl`.
    """

    def __init__(
        self, temperature: float | Float[Tensor, ""] = 0.1, **options: Unpack[BlockOptions]
    ) -> None:
        super().__init__()
        self.temperature = check_temperature("DCL", temperature)
        self.options = check_options("DCL", **options)

    def forward(
        self,
        z1: Float[Tensor, "n d"],
        z2: Float[Tensor, "n d"],
        *,
        positives: Int[Tensor, "2 p"] | None = None,
    ) -> Float[Tensor, ""]:
        return dcl(z1, z2, temperature=self.temperature, positives=positives, **self.options)

    def extra_repr(self) -> str:
        return f"temperature={as_number(self.temperature)}"

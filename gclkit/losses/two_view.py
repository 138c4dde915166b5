"""The two-view contrast with intra-view negatives, behind InfoNCE and team-up."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from typing_extensions import Unpack

from gclkit.checks import check_count
from gclkit.losses.budget import plan_calls
from gclkit.losses.positives import (
    mean_positive,
    partner_pairs,
    positive_counts,
    sole_positives,
)
from gclkit.losses.softplus import softplus
from gclkit.losses.temperature import inverse_temperature
from gclkit.losses.views import TwinDots, check_views, stack_unit_rows, zero_loss
from gclkit.ops import BlockOptions, self_logsumexp, similarity_logsumexp


def two_view_contrast(
    owner: str,
    z1: Float[Tensor, "n d"],
    z2: Float[Tensor, "n d"],
    *,
    temperature: float | Tensor,
    key_bias: Float[Tensor, " n"] | None = None,
    positives: Int[Tensor, "2 p"] | None = None,
    anchors: int | None = None,
    generator: torch.Generator | None = None,
    **options: Unpack[BlockOptions],
) -> Float[Tensor, ""]:
    r"""Returns the mean of ``log D_i - l_i`` over the anchors of both directions.

    Both views are stacked into ``2n`` rows: the negatives and the positive of a row are
    then all the other rows, and their matrix is symmetric.
    """
    check_views(owner, z1, z2)
    scale = inverse_temperature(owner, temperature)
    n, z = z1.size(0), stack_unit_rows(owner, z1=z1, z2=z2)
    bias = None if key_bias is None else torch.cat([key_bias, key_bias]).to(z.dtype)
    index = torch.arange(n, device=z.device)
    if positives is not None:
        index = positive_counts(positives, n).nonzero()[:, 0]
        if index.numel() == 0:
            return zero_loss(z)
    drawn = index.numel() if anchors is None else check_count(owner, "anchors", anchors)
    queries = 2 * min(drawn, index.numel())
    advice = " or anchors=1024" if queries > 2048 else ""
    options = plan_calls(owner, z, queries, 2 * n, nodes=n, advice=advice, **options)
    if n == 1:  # Its only term is the positive: exactly 0, not what is left of a difference.
        return zero_loss(z)
    # The row that is the only positive of each, left out of its denominator; -1 if there is none.
    twin = torch.arange(2 * n, device=z.device).roll(n)
    if positives is not None:
        partner = sole_positives(positives, n)
        twin = torch.cat([torch.where(partner < 0, -1, n + partner), partner])
    if drawn < index.numel():
        rows = torch.cat([draw(index, drawn, generator), n + draw(index, drawn, generator)])
        itself = torch.stack([torch.arange(rows.numel(), device=z.device), rows])
        left_out = torch.cat([itself, partner_pairs(twin[rows])], dim=1)
        others = similarity_logsumexp(z[rows], z, scale, bias, left_out, **options)
    else:
        rows = torch.cat([index, n + index])
        others = self_logsumexp(z, scale, bias, partner_pairs(twin), **options)
        others = others if index.numel() == n else others[rows]
    if positives is not None:
        u1, u2 = z.chunk(2)
        target, own = mean_positive(positives, u1, u2, key_bias)
        numerator = scale * (z * target).sum(dim=1)
    else:
        numerator, own = scale * TwinDots.apply(z).repeat(2), bias
    if own is not None:
        numerator = numerator + own
    if rows.numel() < 2 * n:
        numerator, twin = numerator[rows], twin[rows]
    gap = others - numerator
    return torch.where(twin >= 0, softplus(gap), gap).mean()


def draw(index: Tensor, count: int, generator: torch.Generator | None) -> Tensor:
    """Returns ``count`` entries of ``index`` without replacement."""
    device = index.device if generator is None else generator.device
    order = torch.randperm(index.numel(), generator=generator, device=device)
    return index[order[:count].to(index.device)]

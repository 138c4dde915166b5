"""The negatives of both views, without the positive: what decoupled losses are made of."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import Unpack

from gclkit.losses.budget import plan_calls
from gclkit.ops import BlockOptions, self_logsumexp


def negatives_logsumexp(
    owner: str,
    u1: Float[Tensor, "n d"],
    u2: Float[Tensor, "n d"],
    *scales: float | Tensor,
    **options: Unpack[BlockOptions],
) -> list[Float[Tensor, " 2*n"]]:
    r"""Log-sum-exps over the ``2(n - 1)`` negatives of each row of the stacked views.

    Args:
        owner: Name of the function that was called, for the message.
        u1: Unit rows of the first view, two or more.
        u2: Unit rows of the second view.
        *scales: Inverse temperatures, one for each result.
        **options: How blocks are computed.

    Returns:
        For each scale first the anchors of view 1, then those of view 2.
    """
    z, n = torch.cat([u1, u2]), u1.size(0)
    options = plan_calls(owner, z, 2 * n, 2 * n, nodes=n, calls=len(scales), **options)
    twin = torch.arange(2 * n, device=z.device).roll(n)
    return [self_logsumexp(z, scale, None, twin, **options) for scale in scales]

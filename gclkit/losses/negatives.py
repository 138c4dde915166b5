"""The negatives of both views, without the positive: what decoupled losses are made of."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from typing_extensions import Unpack

from gclkit.ops import BlockOptions, self_logsumexp


def negatives_logsumexp(
    u1: Float[Tensor, "n d"],
    u2: Float[Tensor, "n d"],
    scale: float,
    *,
    positives: Int[Tensor, "2 p"] | None = None,
    **options: Unpack[BlockOptions],
) -> Float[Tensor, " 2n"]:
    r"""Log-sum-exp over the ``2(n - 1)`` negatives of each row of the stacked views.

    Args:
        u1: Unit rows of the first view, two or more.
        u2: Unit rows of the second view.
        scale: Inverse temperature.
        positives: Pairs ``(anchor, positive)`` across the views that are left out, in both
            directions. (default: each node's own)
        **options: How blocks are computed.

    Returns:
        First the anchors of view 1, then those of view 2.
    """
    n = u1.size(0)
    if positives is None:
        own = torch.arange(n, device=u1.device)
        positives = torch.stack([own, own])
    forth = positives + torch.tensor([[0], [n]], device=u1.device)
    back = positives + torch.tensor([[n], [0]], device=u1.device)
    pairs = torch.cat([forth, back], dim=1)
    z = torch.cat([u1, u2])
    both = torch.cat([pairs, pairs.flip(0)], dim=1)
    return self_logsumexp(z, scale, None, both, **options)

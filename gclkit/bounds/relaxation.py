"""Lines below and above an activation on a box."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from gclkit.bounds.box import Box


class Relaxation(NamedTuple):
    """``lower_slope * y <= f(y) <= upper_slope * y + upper_shift`` on a box."""

    lower_slope: Float[Tensor, "*shape"]
    upper_slope: Float[Tensor, "*shape"]
    upper_shift: Float[Tensor, "*shape"]


def relax(box: Box, negative_slope: Tensor, *, lower: str = "parallel") -> Relaxation:
    r"""Lines around :math:`\sigma(y) = \max(y, 0) + \alpha \min(y, 0)` on
    :math:`[l, u]`, for :math:`0 \le \alpha \le 1`.

    The upper line is the chord, of slope :math:`a = (u - \alpha l)/(u - l)` and intercept
    :math:`(\alpha - 1) u l / (u - l)`. The lower line passes the origin: :math:`\sigma` is
    convex, so every slope in :math:`[\alpha, 1]` is sound. Entries whose sign is known are
    kept exact.

    Args:
        box: Bounds of :math:`y`.
        negative_slope: :math:`\alpha`, a scalar or one per channel; 1 is the identity.
        lower: ``"parallel"`` takes :math:`a` below too (Fast-Lin, `arXiv:1804.09699
            <https://arxiv.org/abs/1804.09699>`_; the form of POT); ``"adaptive"`` takes 1
            where :math:`u > -l` and :math:`\alpha` elsewhere, the smaller area (CROWN,
            `arXiv:1811.00866 <https://arxiv.org/abs/1811.00866>`_).

    Returns:
        Slopes and shift of the shape of the box. A NaN bound gives NaN slopes.
    """
    l, u = box  # noqa: E741
    negative_slope = negative_slope.to(u)
    # NaN ends compare false, so they count as unstable and reach the division below.
    unstable = ~((l >= 0) | (u <= 0))
    stable_slope = torch.where(u > 0, torch.ones_like(u), negative_slope.expand_as(u))
    # Guards the branch that torch.where discards: 0/0 there would still poison the gradient.
    width = torch.where(unstable, u - l, torch.ones_like(u))
    chord = torch.where(unstable, (u - negative_slope * l) / width, stable_slope)
    shift = torch.where(unstable, (negative_slope - 1) * u * l / width, torch.zeros_like(u))
    if lower == "parallel":
        return Relaxation(chord, chord, shift)
    steep = torch.where(u > -l, torch.ones_like(u), negative_slope.expand_as(u))
    return Relaxation(torch.where(unstable & ~chord.isnan(), steep, chord), chord, shift)

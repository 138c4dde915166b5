"""Lines below and above an activation on a box."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

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
    chord, shift = _Chord.apply(l, u, negative_slope)
    if lower == "parallel":
        return Relaxation(chord, chord, shift)
    steep = torch.where(u > -l, torch.ones_like(u), negative_slope.expand_as(u))
    return Relaxation(torch.where((l < 0) & (u > 0), steep, chord), chord, shift)


class _Chord(torch.autograd.Function):
    """Slope and intercept of the chord, in few passes and with the gradient of the entries whose
    sign is open only: autograd would divide by the widths of the others too.
    """

    @staticmethod
    def forward(
        ctx: Any, low: Tensor, high: Tensor, negative_slope: Tensor
    ) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(low, high, negative_slope)
        below, ratio, _, _ = _share(low, high)
        slope = (1 - negative_slope) * ratio + negative_slope
        return slope, (negative_slope - 1) * below * ratio

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, slope: Tensor, shift: Tensor
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        low, high, negative_slope = ctx.saved_tensors
        below, ratio, width, unstable = _share(low, high)
        by_low = by_high = by_slope = None
        if ctx.needs_input_grad[0] or ctx.needs_input_grad[1]:
            # Widths of closed entries may be too small to divide by.
            open_share, slope_rate = (1 - negative_slope) * unstable, slope / (width + ~unstable)
            rest = 1 - ratio
            by_low = open_share * ratio * (slope_rate - ratio * shift)
            by_high = open_share * rest * (slope_rate + rest * shift)
        if ctx.needs_input_grad[2]:
            by_slope = (slope * (1 - ratio) + shift * below * ratio).sum_to_size(
                negative_slope.shape
            )
        return by_low, by_high, by_slope


def _share(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    r"""The negative part of the lower end, the share :math:`u/(u - l)` of the box above zero (1
    where :math:`l \ge 0`, 0 where :math:`u \le 0`), the width it refers to, and whether the
    sign is open.
    """
    below, above = low.clamp(max=0), high.clamp(min=0)
    width = above - below
    width += width == 0
    return below, above / width, width, (below * above) != 0

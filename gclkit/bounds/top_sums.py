"""Sums of the largest entries, in passes over whole blocks instead of a selection per column."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

# So many comparisons of whole slices cost less than a selection, column by column.
MOST_COMPARISONS = 300


def top_sums(values: Float[Tensor, "w ..."], largest: int) -> Float[Tensor, "k ..."]:
    """Sums of the 1, 2, ..., k largest entries along the first dimension.

    Equal entries share the gradient. A NaN makes all sums of its column NaN.

    Args:
        values: The entries.
        largest: k, at most w.
    """
    if largest * len(values) > MOST_COMPARISONS:
        return values.movedim(0, -1).topk(largest).values.movedim(-1, 0).cumsum(dim=0)
    found: Tensor = _TopSums.apply(values, largest)
    return found


class _TopSums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, largest: int) -> Tensor:
        best: list[Tensor] = []
        for value in values.unbind():
            # One step of an insertion sort that keeps the first k.
            for k, other in enumerate(best):
                best[k] = torch.maximum(other, value)
                if k + 1 < largest:
                    value = torch.minimum(other, value)
            if len(best) < largest:
                best.append(value)
        ctx.save_for_backward(values, sorted_ := torch.stack(best))
        return sorted_.cumsum(dim=0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        values, best = ctx.saved_tensors
        # The entry at place p is in all sums from the p-th on.
        rates = grad.flip(0).cumsum(dim=0).flip(0)
        total = torch.zeros_like(values)
        for entry, rate in zip(best, rates, strict=True):
            tie = (values == entry).to(values)
            total += tie * (rate / tie.sum(dim=0))
        return total, None

"""Steps that treat every channel alike, in blocks of columns that the backward pass recomputes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Up to so many entries a step runs at once: nothing to save, and recomputing costs time.
WHOLE_NUMEL = 2**22
# A step holds some thirty tensors of a block in its backward pass.
BLOCK_NUMEL = 2**20

Step = Callable[..., tuple[Tensor, ...]]


def by_columns(
    step: Step,
    *tensors: Tensor,
    add: bool = False,
    shared: Sequence[Tensor] = (),
    rows: int | None = None,
) -> tuple[Tensor, ...]:
    """Runs a step block by block.

    Results and gradients are written to their place as they come, so that no matrix is held
    twice and nothing of a block outlives it.

    Args:
        step: Takes as many tensors as are given and returns tensors; what has columns is put
            side by side, what has one entry per row is summed.
        tensors: Matrices of one width; one row stands for a vector of channels.
        add: Whether matrices are summed too.
        shared: Further tensors that the step reads and that may need a gradient.
        rows: Rows that the step works on at once. (default: the most rows of a matrix)

    Returns:
        What the step returns for the whole tensors, up to the order of summation.
    """
    height = max(tensor.shape[0] for tensor in tensors) if rows is None else rows
    channels = max(tensor.shape[1] for tensor in tensors)
    if height * channels <= WHOLE_NUMEL:
        return step(*tensors)
    width = max(1, BLOCK_NUMEL // height)
    found: tuple[Tensor, ...] = _Blocks.apply(step, width, add, len(tensors), *tensors, *shared)
    return found


class _Blocks(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, step: Step, width: int, add: bool, count: int, *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        ctx.step, ctx.width, ctx.add, ctx.shared = step, width, add, tensors[count:]
        ctx.save_for_backward(*tensors[:count])
        channels = max(tensor.shape[1] for tensor in tensors[:count])
        found: list[Tensor] = []
        for at, block in _split(tensors[:count], width):
            for k, part in enumerate(step(*block)):
                if len(found) <= k:
                    beside = not add and part.dim() > 1
                    whole = (part.shape[0], channels) if beside else part.shape
                    found.append(part.new_zeros(whole))
                target = found[k] if add or part.dim() == 1 else found[k][:, at]
                target += part
        return tuple(found)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        tensors = ctx.saved_tensors
        needed = ctx.needs_input_grad[4:]
        sums = [
            torch.zeros_like(tensor) if need else None
            for tensor, need in zip((*tensors, *ctx.shared), needed, strict=True)
        ]
        for at, block in _split(tensors, ctx.width):
            inputs = [
                part.detach().requires_grad_(need)
                for part, need in zip(block, needed, strict=False)
            ]
            with torch.enable_grad():
                parts = ctx.step(*inputs)
            chosen = [
                (part, grad if ctx.add or part.dim() == 1 else grad[:, at])
                for part, grad in zip(parts, grads, strict=True)
                if part.requires_grad
            ]
            wanted = [k for k, need in enumerate(needed) if need]
            sources = [*inputs, *ctx.shared]
            found = torch.autograd.grad(
                [part for part, _ in chosen],
                [sources[k] for k in wanted],
                [grad for _, grad in chosen],
                allow_unused=True,
            )
            for k, grad in zip(wanted, found, strict=True):
                total = sums[k]
                if grad is not None and total is not None:
                    place = total[:, at] if k < len(tensors) else total
                    place += grad
        return None, None, None, None, *sums


def _split(tensors: Sequence[Tensor], width: int) -> Iterator[tuple[slice, list[Tensor]]]:
    channels = max(tensor.shape[1] for tensor in tensors)
    for first in range(0, channels, width):
        at = slice(first, first + width)
        yield at, [tensor[:, at] for tensor in tensors]


def as_row(value: Tensor | None, channels: int, like: Tensor) -> Tensor:
    """A scalar, a vector or nothing (zeros) as one row of channels."""
    if value is None:
        return like.new_zeros(1, channels)
    return value.to(like).expand(channels).unsqueeze(0)

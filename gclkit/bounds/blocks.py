"""Steps that treat every channel alike, in blocks of columns that the backward pass recomputes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

# Below this many entries a step runs at once: nothing to save, and recomputing costs time.
BLOCK_NUMEL = 2**22


def by_columns(
    step: Callable[..., tuple[Tensor, ...]], *tensors: Tensor, add: bool = False
) -> tuple[Tensor, ...]:
    """Runs a step block by block.

    Args:
        step: Takes as many tensors as are given and returns tensors; what has columns is put
            side by side, what has one entry per row is summed.
        tensors: Matrices of one width; one row stands for a vector of channels.
        add: Whether matrices are summed too.

    Returns:
        What the step returns for the whole tensors, up to the order of summation.
    """
    largest = max(tensor.shape[0] for tensor in tensors)
    channels = max(tensor.shape[1] for tensor in tensors)
    if largest * channels <= BLOCK_NUMEL:
        return step(*tensors)
    width = max(1, BLOCK_NUMEL // largest)
    record = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    found: list[list[Tensor]] = []
    for block in zip(*(tensor.split(width, dim=1) for tensor in tensors), strict=True):
        parts = checkpoint(step, *block, use_reentrant=False) if record else step(*block)
        for k, part in enumerate(parts):
            if len(found) <= k:
                found.append([part])
            elif add or part.dim() == 1:
                found[k][0] = found[k][0] + part
            else:
                found[k].append(part)
    return tuple(parts[0] if len(parts) == 1 else torch.cat(parts, dim=1) for parts in found)


def as_row(value: Tensor | None, channels: int, like: Tensor) -> Tensor:
    """A scalar, a vector or nothing (zeros) as one row of channels."""
    if value is None:
        return like.new_zeros(1, channels)
    return value.to(like).expand(channels).unsqueeze(0)

"""Memory of kept tiles that one call hands on to the next.

Memory that a process touches for the first time is filled with zeros page by page, which for
the tiles of a loss takes a tenth of its time. PyTorch keeps freed memory on a GPU, not on a CPU.
"""

from __future__ import annotations

import torch
from torch import Tensor

_spare: list[Tensor] = []  # One at most, so that two threads never share it.


def take_memory(count: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Returns uninitialised memory for ``count`` entries, the spare one if it is large enough."""
    size = count * dtype.itemsize
    if device.type == "cpu":
        try:
            spare = _spare.pop()
        except IndexError:
            pass
        else:
            if spare.numel() >= size:
                return spare[:size].view(dtype)
    return torch.empty(size, dtype=torch.uint8, device=device).view(dtype)


def hand_on_memory(memory: Tensor) -> None:
    """Gives memory that was taken to the next call; nothing may read it any more."""
    release_memory()
    if memory.device.type == "cpu":
        _spare.append(memory.new_empty(0, dtype=torch.uint8).set_(memory.untyped_storage()))


def release_memory() -> None:
    """Frees the memory that losses with a ``memory_budget`` hold on a CPU for the next call."""
    _spare.clear()

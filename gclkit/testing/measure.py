"""What an operation costs: seconds, bytes, and the largest tensor it makes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LargestTensor(TorchDispatchMode):
    """Records the element count of the largest tensor that any operator returns.

    Works on every device, so memory claims are tested without a GPU. A view counts with its
    own size, a tensor that an operator merely hands back counts too.
    """

    def __init__(self) -> None:
        super().__init__()
        self.numel = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.numel = max([self.numel, *(tensor.numel() for tensor in _tensors(out))])
        return out


class PeakBytes(TorchDispatchMode):
    """Records the most bytes that were alive at once in storages made inside the block.

    What existed before, such as the inputs, is not counted; gradients are. Scratch that a
    single kernel takes and returns is not seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._alive: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        before = {_key(tensor) for tensor in _tensors((args, kwargs))}
        self._forget_the_dead()
        out = func(*args, **(kwargs or {}))
        for tensor in _tensors(out):
            key = _key(tensor)
            if key and key not in before and key not in self._alive:
                storage = tensor.untyped_storage()
                self._alive[key] = StorageWeakRef(storage), storage.nbytes()
        self.peak = max(self.peak, sum(size for _, size in self._alive.values()))
        return out

    def _forget_the_dead(self) -> None:
        self._alive = {
            key: (reference, size)
            for key, (reference, size) in self._alive.items()
            if not reference.expired()
        }


def _tensors(tree: Any) -> list[torch.Tensor]:
    leaves = [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]
    return [leaf for leaf in leaves if leaf.layout == torch.strided]


def _key(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def median_seconds(step: Callable[[], object], *, repeats: int = 20, warmups: int = 3) -> float:
    """Returns the median duration of a call, after some that do not count.

    Args:
        step: What is timed; a CUDA device is waited for after each call.
        repeats: Number of calls that count.
        warmups: Number of calls before them.
    """

    def timed() -> float:
        start = time.perf_counter()
        step()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter() - start

    return statistics.median([timed() for _ in range(warmups + repeats)][warmups:])

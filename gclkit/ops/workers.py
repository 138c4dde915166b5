"""The tiles of one matrix in several threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

from gclkit.ops.tiles import Tiles


def share_out(tiles: Tiles, add: Callable[..., None], *sums: Tensor) -> None:
    """Calls ``add(part, *sums)`` for parts that make up the tiles, one per worker of the tiling.

    An operator on all cores ends when the slowest has, a dozen times per tile. Workers with cores
    of their own wait for each other once. Which tiles a worker gets is fixed, and the sums of its
    own are added in turn, so that the same number of workers gives the same bits.

    Args:
        tiles: The tiles.
        add: Adds what a part contributes to the sums.
        sums: Tensors that are added to in place.
    """
    parts = tiles.parts(tiles.tiling.workers)
    # A dispatch mode watches its own thread alone.
    if len(parts) == 1 or is_in_torch_dispatch_mode():
        add(tiles, *sums)
        return
    own = [sums, *([torch.zeros_like(out) for out in sums] for _ in parts[1:])]
    inference, threads = torch.is_inference_mode_enabled(), torch.get_num_threads()

    def work(part: Tiles, outs: Any) -> None:
        with torch.inference_mode(inference), torch.no_grad():
            add(part, *outs)

    def use_own_cores() -> None:
        torch.set_num_threads(max(1, threads // len(parts)))

    use_own_cores()  # BLAS takes the last number that any thread has set.
    try:
        with ThreadPoolExecutor(len(parts), initializer=use_own_cores) as pool:
            list(pool.map(work, parts, own))
    finally:
        torch.set_num_threads(threads)
    for others in own[1:]:
        for out, other in zip(sums, others, strict=True):
            out += other

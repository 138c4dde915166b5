"""How many bytes a pass over a similarity matrix takes, and the block size that fits."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from typing_extensions import Unpack

from gclkit.checks import check_count, reject_size
from gclkit.ops.backend import choose_backend
from gclkit.ops.inputs import operand
from gclkit.ops.options import BlockOptions, check_options

# Measured: two threads with tiles of 768 x 768 each stay in the cache that they share, a tile of
# 8192 x 8192 fills a GPU.
CPU_BLOCK = 768
GPU_BLOCK = 8192
SMALLEST_BLOCK = 64
# Threads that share the tiles, each with scratch of its own; more have not been tried.
MOST_WORKERS = 4
# The fused kernels: programs that keep a GPU busy, and the most rows and the least keys of one.
FUSED_PROGRAMS = 512
FUSED_ROWS = 128
FUSED_KEYS = 512
CGROUP = Path("/sys/fs/cgroup")


class Plan(NamedTuple):
    """How a similarity matrix is gone over.

    Attributes:
        backend: Implementation that runs.
        operand: Dtype of the factors of matrix products.
        block: Rows and columns of a tile.
        keep: Bytes that kept tiles may take.
        workers: Threads that share the tiles.
    """

    backend: str
    operand: torch.dtype
    block: int
    keep: int
    workers: int


def needed_bytes(
    rows: int,
    keys: int,
    channels: int,
    *,
    block: int,
    operand: torch.dtype,
    backend: str,
    workers: int = 1,
) -> int:
    r"""Returns the bytes of forward and backward beyond the inputs and their gradients.

    Counted are what grows with ``n d`` (operands, gradients of unit rows, and what the
    normalisation of the calling loss saves), the two pairs per row that a loss leaves out, and
    one tile with its scratch: terms and weights in fp32, and both once more where products are
    narrower. The definition holds logits, what log-sum-exp saves and the gradients of both.

    Args:
        rows: Number of queries.
        keys: Number of keys.
        channels: Width of the embeddings.
        block: Rows and columns of a tile.
        operand: Dtype of the factors of matrix products.
        backend: Implementation that runs.
        workers: Threads that share the tiles.
    """
    sums = max(operand.itemsize, 4)
    if backend == "triton":
        channels += -channels % 16
    vectors = (rows + 3 * keys) * (channels + 6) * sums
    if backend == "reference":
        return vectors + 5 * rows * keys * sums
    if backend == "triton":
        # Where rows are few, several programs share their keys, each with sums of its own.
        shared = min(rows * keys // FUSED_KEYS, FUSED_PROGRAMS * FUSED_ROWS)
        return vectors + shared * (channels + 1) * sums
    tile = min(block, rows) * min(block, keys)
    # Two products of a tile; beside other workers those of a few tiles wait for their turn.
    waiting = (2 if workers == 1 else 8) * min(block, keys) * channels * operand.itemsize
    return vectors + workers * (tile * tile_itemsize(operand) + waiting)


def tile_itemsize(operand: torch.dtype) -> int:
    """Returns the bytes per entry of a tile with its scratch."""
    sums = max(operand.itemsize, 4)
    return 3 * sums if operand.itemsize == sums else 2 * sums + 2 * operand.itemsize


def plan_workers(rows: int, keys: int, *, block: int, device: torch.device) -> int:
    """Returns how many threads share the tiles: several on a CPU, if there are enough tiles.

    Other devices share out their work by themselves, and only OpenMP lets each thread have a
    number of cores of its own.
    """
    tiles = -(-rows // block) * -(-keys // block)
    if device.type != "cpu" or tiles < 4 * MOST_WORKERS or not torch.backends.openmp.is_available():
        return 1
    return min(MOST_WORKERS, torch.get_num_threads())


def available_bytes(device: torch.device) -> int:
    """Returns the bytes that this process can still allocate, as far as the system says."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        sizes = dict(line.split(":") for line in lines)
        free = int(sizes["MemAvailable"].split()[0]) * 1024
        limit = (CGROUP / "memory.max").read_text().strip()
        if limit != "max":
            used = int((CGROUP / "memory.current").read_text())
            free = min(free, int(limit) - used)
    except (OSError, KeyError, ValueError):
        pass  # Not Linux, or no control group: the number of free pages stands.
    return free


def plan_blocks(
    owner: str,
    like: torch.Tensor,
    rows: int,
    keys: int,
    *,
    calls: int = 1,
    nodes: int | None = None,
    advice: str = "",
    **options: Unpack[BlockOptions],
) -> Plan:
    r"""Returns what the options mean for one pass over a matrix, on the device that it is on.

    Args:
        owner: Name of the function that was called, for the message.
        like: A matrix on the device, and of the dtype and the width ``d``, of the computation.
        rows: Number of queries.
        keys: Number of keys.
        calls: Number of such passes that share the budget.
        nodes: Number of nodes ``n`` of the caller, for the message. (default: the rows)
        advice: What else the caller may change, for the message.
        **options: The settings.

    Raises:
        ValueError: If a setting is out of range, a backend cannot run, or the memory needed
            exceeds what is available or the budget.
    """
    options = check_options(owner, **options)
    budget, block_rows = options["memory_budget"], options["block_rows"]
    product = operand(owner, options["precision"], like.dtype, like.device)
    backend = choose_backend(owner, options["backend"], like, options["precision"])
    limit: float = available_bytes(like.device)
    if budget is not None:
        limit = min(limit, budget / calls)

    def needed(block: int, workers: int | None = None) -> int:
        if workers is None:
            workers = plan_workers(rows, keys, block=block, device=like.device)
        return needed_bytes(
            rows,
            keys,
            like.size(1),
            block=block,
            operand=product,
            backend=backend,
            workers=workers,
        )

    block = default_block(rows, keys, like.device, block_rows, owner)
    if block_rows is None:
        block = fitting_block(block, needed, limit)
    if needed(block) > limit:
        if backend == "reference":
            sizes, hint = f"n={nodes or rows}", f"use backend='blockwise'{advice}"
        else:
            # As many workers for every block: fewer tiles have fewer, so the need is not monotone.
            most = plan_workers(rows, keys, block=1, device=like.device)
            fits = bisect_right(range(1, block), limit, key=lambda block: needed(block, most))
            sizes = f"n={nodes or rows}, block_rows={block}"
            hint = f"use block_rows ≤ {fits}{advice}" if fits else "use a larger memory_budget"
        reject_size(owner, calls * needed(block), sizes, hint)
    keep = 0 if budget is None else int(limit - needed(block))
    workers = plan_workers(rows, keys, block=block, device=like.device)
    return Plan(backend, product, block, keep, workers)


def fitting_block(block: int, needed: Callable[[int], int], limit: int | float) -> int:
    """Returns the block size, halved until what it needs fits or it is small enough to refuse."""
    while block > SMALLEST_BLOCK and needed(block) > limit:
        block //= 2
    return block


def default_block(
    rows: int, keys: int, device: torch.device, block_rows: int | None, owner: str
) -> int:
    """Returns the block size that was asked for, or what the device likes best."""
    if block_rows is None:
        return min(max(rows, keys), GPU_BLOCK if device.type == "cuda" else CPU_BLOCK)
    return min(max(rows, keys), check_count(owner, "block_rows", block_rows))

"""How many bytes a pass over a similarity matrix takes, and the block size that fits."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from gclkit.checks import check_count, check_positive, reject_size

# Measured: a tile of 1024 x 1024 stays in the cache of a CPU core pair, one of
# 8192 x 8192 fills a GPU.
CPU_BLOCK = 1024
GPU_BLOCK = 8192
CGROUP = Path("/sys/fs/cgroup")


def tile_bytes(block: int, rows: int, keys: int, *, itemsize: int = 4) -> int:
    """Returns the bytes of one tile with its scratch: a tile of terms and one of weights.

    Operands narrower than the sums need both in either width.
    """
    scratch = 8 if itemsize == 4 else 16 if itemsize == 8 else 8 + 2 * itemsize
    return min(block, rows) * min(block, keys) * scratch


def vector_bytes(rows: int, keys: int, channels: int, *, itemsize: int = 4) -> int:
    """Returns the bytes that grow with n * d: operands, their gradients and row sums."""
    sums = max(itemsize, 4)
    return (rows + keys) * (channels * (2 * itemsize + 2 * sums) + 4 * sums)


def reference_bytes(rows: int, keys: int, *, itemsize: int = 4) -> int:
    """Returns the bytes of the definition: logits, what log-sum-exp saves, and gradients."""
    return 4 * rows * keys * max(itemsize, 4)


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
    operand: torch.dtype,
    block_rows: int | None = None,
    memory_budget: float | None = None,
    backend: str = "blockwise",
    advice: str = "",
) -> tuple[int, int]:
    r"""Returns the block size and the bytes that kept blocks may take.

    Args:
        owner: Name of the function that was called, for the message.
        like: A matrix on the device and of the width ``d`` of the computation.
        rows: Number of queries.
        keys: Number of keys.
        operand: Dtype of the factors of matrix products.
        block_rows: Rows and columns of a tile. (default: what the device likes best, or
            less where :obj:`memory_budget` is smaller)
        memory_budget: Bytes for blocks, scratch and operands together. Blocks are kept
            between forward and backward only if it is given. (default: keep none)
        backend: Implementation that will run.
        advice: What else the caller may change, for the message.

    Raises:
        ValueError: If a setting is out of range, or the memory needed exceeds what is
            available or :obj:`memory_budget`.
    """
    size = operand.itemsize
    limit: float = available_bytes(like.device)
    if memory_budget is not None:
        limit = min(limit, check_positive(owner, "memory_budget", memory_budget))
    if backend == "reference":
        needed = reference_bytes(rows, keys, itemsize=size)
        if needed > limit:
            reject_size(owner, needed, f"n={rows}, m={keys}", "use backend='blockwise'" + advice)
        return rows, 0
    if backend == "triton":
        return CPU_BLOCK, 0

    fixed = vector_bytes(rows, keys, like.size(1), itemsize=size)
    largest = max(rows, keys)
    if block_rows is None:
        block = min(largest, GPU_BLOCK if like.is_cuda else CPU_BLOCK)
        while block > 64 and fixed + tile_bytes(block, rows, keys, itemsize=size) > limit:
            block //= 2
    else:
        block = min(largest, check_count(owner, "block_rows", block_rows))
    needed = fixed + tile_bytes(block, rows, keys, itemsize=size)
    if needed > limit:
        per_entry = tile_bytes(1, 1, 1, itemsize=size)
        fits = int(max(limit - fixed, 0) / per_entry) ** 0.5
        hint = f"use block_rows ≤ {int(fits)}" if fits >= 1 else "use fewer rows"
        reject_size(owner, needed, f"n={rows}, block_rows={block}", hint + advice)
    keep = 0 if memory_budget is None else int(limit - needed)
    return block, keep

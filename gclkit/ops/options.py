"""The settings that every operation on a similarity matrix shares."""

from __future__ import annotations

from typing import TypedDict

from gclkit.bfloat16 import PRECISIONS
from gclkit.checks import check_choice, check_count, check_positive
from gclkit.ops.backend import BACKENDS


class BlockOptions(TypedDict, total=False):
    """How the blocks of a similarity matrix are computed; none of it changes the formula.

    On a CPU several threads share the blocks; any number of them gives the same bits, except
    where a small budget leaves more threads only smaller blocks. Logits above 60, as of cosines at
    a temperature below 1/60, take about 1.7 times as long.

    Args:
        precision: ``"float32"``, or ``"bfloat16"`` for matrix products with fp32 sums, where
            the device multiplies it faster (:func:`gclkit.bfloat16.bfloat16_pays`). The relative
            error of a gradient grows as the temperature falls: measured up to 4e-4 at 0.5, 2e-3
            at 0.1, 8e-3 at 0.05, and 1e-1 at 0.01.
        backend: ``"auto"``, ``"reference"``, ``"blockwise"`` or ``"triton"``.
        memory_budget: Bytes for blocks, scratch and operands; blocks are kept for the
            backward pass as far as it allows, and on a CPU their memory for the next call.
            (default: recompute)
        block_rows: Rows and columns of a block. (default: by device and budget)
    """

    precision: str
    backend: str
    memory_budget: float | None
    block_rows: int | None


def check_options(
    owner: str,
    *,
    precision: str = "float32",
    backend: str = "auto",
    memory_budget: float | None = None,
    block_rows: int | None = None,
) -> BlockOptions:
    """Returns the options with their defaults if each is in range, else raises a ``ValueError``.

    Whether a backend can run is known only where there are tensors.
    """
    check_choice(owner, "precision", precision, PRECISIONS)
    check_choice(owner, "backend", backend, BACKENDS)
    if memory_budget is not None:
        check_positive(owner, "memory_budget", memory_budget)
    if block_rows is not None:
        check_count(owner, "block_rows", block_rows)
    return {
        "precision": precision,
        "backend": backend,
        "memory_budget": memory_budget,
        "block_rows": block_rows,
    }

"""The settings that every operation on a similarity matrix shares."""

from __future__ import annotations

from typing import TypedDict


class BlockOptions(TypedDict, total=False):
    """How the blocks of a similarity matrix are computed; none of it changes the formula.

    On a CPU several threads share the blocks; any number of them gives the same bits.

    Args:
        precision: ``"float32"``, or ``"bfloat16"`` for matrix products with fp32 sums, where
            the device multiplies it faster (:func:`gclkit.bfloat16.bfloat16_pays`).
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

"""The settings that every operation on a similarity matrix shares."""

from __future__ import annotations

from typing import TypedDict

from typing_extensions import Unpack

from gclkit.bfloat16 import PRECISIONS
from gclkit.checks import check_choice, check_count, check_positive, reject
from gclkit.ops.backend import BACKENDS


class BlockOptions(TypedDict, total=False):
    """How the blocks of a similarity matrix are computed; none of it changes the formula.

    On a CPU several threads share the blocks; any number of them gives the same bits, except
    where a small budget leaves more threads only smaller blocks. Meanwhile the number of threads
    of PyTorch is lowered for the whole process, and a thread that is started then keeps the low
    one: start yours before. Of losses in several threads one at a time shares its blocks.
    Logits above 60, as of cosines at a temperature below 1/60, take about 1.7 times as long.

    Args:
        precision: Dtype of the factors of matrix products, ``"float32"`` or ``"bfloat16"``. Sums
            are fp32 in either case; fp64 inputs are computed in fp64 unless ``"bfloat16"`` is
            asked for. A device that multiplies bf16 no faster takes fp32 for it
            (:func:`gclkit.bfloat16.bfloat16_pays`). The relative error of a gradient by bf16 grows
            as the temperature falls: measured up to 4e-4 at 0.5, 2e-3 at 0.1, 8e-3 at 0.05, and
            1e-1 at 0.01. fp32 products use TF32 only where
            ``torch.backends.cuda.matmul.fp32_precision``, before PyTorch 2.9 ``allow_tf32``, says
            so. (default: ``"float32"``)
        backend: ``"reference"`` is the definition, :math:`O(nm)` memory; ``"blockwise"`` is
            plain PyTorch; ``"triton"`` is CUDA; ``"auto"`` is
            :func:`gclkit.ops.choose_backend`. An unavailable backend raises.
            (default: ``"auto"``)
        memory_budget: Bytes for blocks, scratch and operands. Blocks are kept between
            forward and backward as far as it allows, and on a CPU their memory for the next
            call. (default: a cache-sized block, recomputed in the backward pass)
        block_rows: Rows and columns of a block. (default: by device and budget)
    """

    precision: str
    backend: str
    memory_budget: float | None
    block_rows: int | None


DEFAULTS: BlockOptions = {
    "precision": "float32",
    "backend": "auto",
    "memory_budget": None,
    "block_rows": None,
}


def check_options(owner: str, **options: Unpack[BlockOptions]) -> BlockOptions:
    """Returns the options with their defaults if each is in range, else raises a ``ValueError``.

    Whether a backend can run is known only where there are tensors.

    Raises:
        TypeError: In the name of the owner, for an option that there is not.
    """
    for name in options.keys() - DEFAULTS.keys():
        raise TypeError(f"{owner}() got an unexpected keyword argument {name!r}")
    options = {**DEFAULTS, **options}
    check_choice(owner, "precision", options["precision"], PRECISIONS)
    check_choice(owner, "backend", options["backend"], BACKENDS)
    if options["memory_budget"] is not None:
        check_positive(owner, "memory_budget", options["memory_budget"])
    if options["block_rows"] is not None:
        check_count(owner, "block_rows", options["block_rows"])
    return options


def without_triton(owner: str, rule: str, options: BlockOptions) -> BlockOptions:
    """Returns the options of an operation that has no Triton kernel, else raises a ``ValueError``.

    Args:
        owner: Name of the function that was called, for the message.
        rule: What the backend must be, for the message.
        options: Those of the caller; ``"auto"`` becomes ``"blockwise"``.
    """
    backend = options.get("backend", "auto")
    if backend == "triton":
        reject(owner, "backend", rule, backend)
    return {**options, "backend": "blockwise"} if backend == "auto" else options

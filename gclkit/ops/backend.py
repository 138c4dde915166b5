"""Which implementation of an operation runs."""

from __future__ import annotations

import os
from importlib.util import find_spec

import torch

from gclkit.bfloat16 import PRECISIONS
from gclkit.checks import check_choice, reject

BACKENDS = ("auto", "reference", "blockwise", "triton")


def choose_backend(owner: str, backend: str, like: torch.Tensor, precision: str = "float32") -> str:
    r"""Returns the implementation that runs for a tensor: the one rule behind ``"auto"``.

    ``"auto"`` is ``"triton"`` on a CUDA device where Triton is installed, for matrices of 32 bits
    or less and at most 512 columns, where products run on matrix units: those of bf16, and those
    of fp32 if TF32 is allowed. Else it is ``"blockwise"``, which multiplies fp32 in full by the
    vendor's library; it is never ``"reference"``. A backend that is asked for by name is never
    replaced by another one.

    Args:
        owner: Name of the function that was called, for the message.
        backend: ``"auto"``, ``"reference"``, ``"blockwise"`` or ``"triton"``.
        like: A matrix on the device and of the dtype of the computation.
        precision: Dtype of the factors of products, ``"float32"`` or ``"bfloat16"``.

    Returns:
        ``"reference"``, ``"blockwise"`` or ``"triton"``.

    Raises:
        ValueError: If the name is unknown, or Triton was asked for and cannot run here.
    """
    check_choice(owner, "backend", backend, BACKENDS)
    check_choice(owner, "precision", precision, PRECISIONS)
    obstacle = _triton_obstacle(like)
    if backend == "triton" and obstacle:
        reject(owner, "backend", "one that can run: 'triton' " + obstacle, backend)
    if backend == "auto":
        pays = like.is_cuda and (precision == "bfloat16" or uses_tf32())
        return "triton" if pays and not obstacle else "blockwise"
    return backend


def uses_tf32() -> bool:
    """Returns whether PyTorch may multiply fp32 matrices in TF32 on a CUDA device."""
    matmul = torch.backends.cuda.matmul
    # From PyTorch 2.9 on: once it was set, the older setting can no longer be read.
    precision = getattr(matmul, "fp32_precision", None)
    # TF32 keeps 10 bits of mantissa, and a small temperature multiplies that error.
    return bool(matmul.allow_tf32) if precision is None else precision == "tf32"


def _triton_obstacle(like: torch.Tensor) -> str:
    if find_spec("triton") is None:
        return "needs the package triton"
    if not like.is_cuda and os.environ.get("TRITON_INTERPRET") != "1":
        return "needs a CUDA device"
    if like.dtype == torch.float64:
        return "takes tensors of 32 bits or less"
    if like.size(-1) > 512:
        return "takes at most 512 columns"
    return ""

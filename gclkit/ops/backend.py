"""Which implementation of an operation runs."""

from __future__ import annotations

import os
from importlib.util import find_spec

import torch

from gclkit.checks import check_choice, reject

BACKENDS = ("auto", "reference", "blockwise", "triton")


def choose_backend(owner: str, backend: str, like: torch.Tensor) -> str:
    r"""Returns the implementation that runs for a tensor: the one rule behind ``"auto"``.

    ``"auto"`` is ``"triton"`` for matrices of 32 bits or less and at most 512 columns, on a
    CUDA device where Triton is installed, else ``"blockwise"``; it is never
    ``"reference"``. A backend that is asked for by name is never replaced by another one.

    Args:
        owner: Name of the function that was called, for the message.
        backend: ``"auto"``, ``"reference"``, ``"blockwise"`` or ``"triton"``.
        like: A matrix on the device and of the dtype of the computation.

    Returns:
        ``"reference"``, ``"blockwise"`` or ``"triton"``.

    Raises:
        ValueError: If the name is unknown, or Triton was asked for and cannot run here.
    """
    check_choice(owner, "backend", backend, BACKENDS)
    obstacle = _triton_obstacle(like)
    if backend == "triton" and obstacle:
        reject(owner, "backend", "one that can run: 'triton' " + obstacle, backend)
    if backend == "auto":
        return "triton" if like.is_cuda and not obstacle else "blockwise"
    return backend


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

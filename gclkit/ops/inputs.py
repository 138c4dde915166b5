"""What every operation asks of its rows of embeddings."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from gclkit.bfloat16 import PRECISIONS, bfloat16_pays
from gclkit.checks import NotFinite, check_choice, check_finite, check_tensor, reject

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def check_rows(owner: str, name: str, value: Tensor, *, at_least: int = 1) -> Tensor:
    """Returns a finite floating point matrix of ``at_least`` so many rows, else raises."""
    check_tensor(owner, name, value)
    if value.dim() != 2 or value.size(0) < at_least or value.size(1) == 0:
        rows = "one row" if at_least == 1 else f"{at_least} rows"
        reject(owner, name, f"a matrix of at least {rows} and one column", tuple(value.shape))
    if value.dtype not in FLOATS:
        reject(owner, name, "of a floating point dtype", value.dtype)
    return check_all_finite(owner, name, value)


def check_all_finite(owner: str, name: str, value: Tensor) -> Tensor:
    """Returns ``value`` if it is finite, in one pass where it is: a NaN or an infinity shows
    in the sum, and a sum that overflows by itself is looked at again.
    """
    if value.layout != torch.strided:
        reject(owner, name, "a strided tensor", value.layout)
    if bool(value.detach().sum().isfinite()):
        return value
    return check_finite(owner, name, value)


def check_alike(owner: str, name: str, value: Tensor, other_name: str, other: Tensor) -> None:
    """Raises a ``ValueError`` if two matrices differ in width, dtype or device."""
    for what, mine, theirs in (
        ("width", value.size(1), other.size(1)),
        ("dtype", value.dtype, other.dtype),
        ("device", value.device, other.device),
    ):
        if mine != theirs:
            reject(owner, name, f"of the {what} of '{other_name}', {theirs}", mine)


def check_vector(owner: str, name: str, value: Tensor, length: int, like: Tensor) -> Tensor:
    """Returns a finite vector of ``length`` on the device of ``like``, else raises."""
    if tuple(check_tensor(owner, name, value).shape) != (length,):
        reject(owner, name, f"of shape ({length},)", tuple(value.shape))
    if value.dtype not in FLOATS or value.device != like.device:
        rule = f"of a floating point dtype, on {like.device}"
        reject(owner, name, rule, f"{value.dtype} on {value.device}")
    return check_all_finite(owner, name, value)


def check_scale(owner: str, scale: float | Tensor, like: Tensor) -> Tensor:
    """Returns the factor of the similarities as a finite scalar tensor, else raises."""
    if not isinstance(scale, Tensor):
        scale = torch.tensor(float(scale), dtype=accumulator(like.dtype), device=like.device)
    if scale.numel() != 1 or not bool(scale.isfinite().all()):
        reject(owner, "scale", "one finite number", scale.detach().tolist())
    return scale.reshape(()).to(like.device)


def entry_weights(owner: str, weight: Callable[[Tensor], Tensor], similarity: Tensor) -> Tensor:
    """Returns the weights of similarities, a function that must be element-wise: one of a whole
    block would depend on the size of the blocks.

    Raises:
        ValueError: If there is not one weight per similarity.
    """
    shape, factors = similarity.shape, weight(similarity)
    if not isinstance(factors, Tensor) or factors.shape != shape:
        got = tuple(factors.shape) if isinstance(factors, Tensor) else type(factors).__name__
        rule = f"an element-wise function, so that its result is a tensor {tuple(shape)}"
        reject(owner, "weight", rule, got)
    return factors


def check_products(owner: str, name: str, *factors: Tensor, times: float | Tensor = 1.0) -> None:
    """Raises a ``ValueError`` unless sums of products of entries stay in range for certain.

    Args:
        owner: Name of the function that was called, for the message.
        name: Name of the argument that the message is about.
        *factors: Matrices of one width; an entry of each is multiplied, and a width of those added.
        times: Further factor; one below 1 does not help, since it may come after the sum.
    """
    limit = torch.finfo(accumulator(factors[0].dtype)).max
    largest = [float(factor.detach().abs().amax()) for factor in factors]
    if not math.prod(largest, start=factors[0].size(1) * max(abs(float(times)), 1.0)) <= limit:
        rule = f"small enough for sums of products below {limit:.1e}"
        reject(owner, name, rule, f"entries up to {max(largest):.1e}", error=NotFinite)


def accumulator(dtype: torch.dtype) -> torch.dtype:
    """Returns the dtype of sums and results: fp32, or fp64 for fp64 inputs."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def widen(x: Tensor) -> Tensor:
    """Returns ``x`` in the dtype of sums."""
    return x.to(accumulator(x.dtype))


def operand(owner: str, precision: str, dtype: torch.dtype, device: torch.device) -> torch.dtype:
    """Returns the dtype of the factors of matrix products, else raises a ``ValueError``.

    bf16 is used where :func:`~gclkit.bfloat16.bfloat16_pays`, on a CPU not always.
    """
    check_choice(owner, "precision", precision, PRECISIONS)
    narrow = precision == "bfloat16" and bfloat16_pays(device)
    return torch.bfloat16 if narrow else accumulator(dtype)

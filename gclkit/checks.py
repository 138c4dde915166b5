"""Argument checks. One template, so every message names owner, argument, rule and value."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from torch import Tensor


def reject(owner: str, name: str, rule: str, value: object) -> NoReturn:
    """Raises the one error message shape of the package.

    Raises:
        ValueError: Always: ``owner: 'name' must be rule (got value)``.
    """
    raise ValueError(f"{owner}: '{name}' must be {rule} (got {value!r})")


def check_probability(owner: str, name: str, value: float) -> float:
    """Returns ``value`` as a float if it lies in [0, 1], else raises a ``ValueError``."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0.0 <= value <= 1.0:
        reject(owner, name, "a probability in [0, 1]", value)
    return float(value)


def check_positive(owner: str, name: str, value: float) -> float:
    """Returns ``value`` as a float if it is positive and finite, else raises a ``ValueError``."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0.0 < value < float("inf"):
        reject(owner, name, "a positive number", value)
    return float(value)


def check_non_negative(owner: str, name: str, value: float) -> float:
    """Returns ``value`` as a float if it is finite and at least 0, else raises a ``ValueError``."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0.0 <= value < float("inf"):
        reject(owner, name, "a number of at least 0", value)
    return float(value)


def check_count(owner: str, name: str, value: int, *, at_least: int = 1) -> int:
    """Returns ``value`` if it is an integer of at least ``at_least``, else raises."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < at_least:
        reject(owner, name, f"an integer of at least {at_least}", value)
    return int(value)


def check_choice(owner: str, name: str, value: str, known: Iterable[str]) -> str:
    """Returns ``value`` if it is one of ``known``, else raises and lists them, sorted."""
    known = sorted(known)
    if value not in known:
        reject(owner, name, f"one of {known}", value)
    return value


def check_same_shape(owner: str, name: str, value: Tensor, other_name: str, other: Tensor) -> None:
    """Raises a ``ValueError`` if two tensors differ in shape."""
    if value.shape != other.shape:
        rule = f"of the shape of '{other_name}', {tuple(other.shape)}"
        reject(owner, name, rule, tuple(value.shape))


def check_finite(owner: str, name: str, value: Tensor) -> Tensor:
    """Returns ``value`` if it holds no NaN and no infinity, else raises with their number."""
    bad = int((~value.isfinite()).sum())
    if bad:
        reject(owner, name, "finite", f"{bad} of {value.numel()} entries NaN or infinite")
    return value


def unsupported(owner: str, what: str, supported: Iterable[str]) -> NoReturn:
    """Raises the one message for a component that an operation cannot treat.

    Raises:
        ValueError: Always: ``owner: what; supported: first, second, …``.
    """
    raise ValueError(f"{owner}: {what}; supported: {', '.join(supported)}")


def reject_size(owner: str, needed: float, sizes: str, advice: str) -> NoReturn:
    """Raises before an allocation that would not fit.

    Raises:
        ValueError: Always: ``owner: needs about 38.1 GB for sizes; advice``.
    """
    raise ValueError(f"{owner}: needs about {needed / 1e9:.1f} GB for {sizes}; {advice}")

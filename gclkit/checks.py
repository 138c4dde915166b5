"""Argument checks. One template, so every message names owner, argument, rule and value."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Rejected(ValueError):
    """What the checks raise, to be told from the errors of the libraries underneath."""


class NotFinite(Rejected):
    """Entries that are NaN, infinite or too large: bad input, or a training that diverged."""


def reject(
    owner: str, name: str, rule: str, value: object, *, error: type[Rejected] = Rejected
) -> NoReturn:
    """Raises the one error message shape of the package.

    Raises:
        Rejected: Always, a ``ValueError``: ``owner: 'name' must be rule (got value)``.
    """
    raise error(f"{owner}: '{name}' must be {rule} (got {value!r})")


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


def check_seed(owner: str, name: str, value: int, *, bits: int = 63) -> int:
    """Returns ``value`` if it is an integer in [0, 2^bits), else raises.

    Below 2^63 PyTorch's and NumPy's generators take it, below 2^32 also NumPy's old one.
    """
    if check_count(owner, name, value, at_least=0) >= 2**bits:
        reject(owner, name, f"a seed below 2^{bits}", value)
    return int(value)


def check_device(owner: str, value: str | torch.device) -> torch.device:
    """Returns the device if PyTorch can use it here, else raises a ``ValueError``."""
    import torch

    try:
        torch.zeros(1, device=value).cpu()  # 'meta' accepts data but cannot return it.
        return torch.device(value)
    except (RuntimeError, AssertionError, ImportError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        reject(owner, "device", "one that PyTorch can use here", f"{value}: {reason}")


def check_choice(owner: str, name: str, value: str, known: Iterable[str]) -> str:
    """Returns ``value`` if it is one of ``known``, else raises and lists them, sorted."""
    known = sorted(known)
    if value not in known:
        reject(owner, name, f"one of {known}", value)
    return value


def check_tensor(owner: str, name: str, value: Tensor) -> Tensor:
    """Returns ``value`` if it is a tensor, else raises a ``ValueError``."""
    import torch

    if not isinstance(value, torch.Tensor):
        reject(owner, name, "a tensor", type(value).__name__)
    return value


def check_same_shape(owner: str, name: str, value: Tensor, other_name: str, other: Tensor) -> None:
    """Raises a ``ValueError`` if two tensors differ in shape."""
    if value.shape != other.shape:
        rule = f"of the shape of '{other_name}', {tuple(other.shape)}"
        reject(owner, name, rule, tuple(value.shape))


def check_one_each(owner: str, name: str, value: Tensor, count: int, what: str) -> Tensor:
    """Returns ``value`` if it is a tensor of one ``what``, such as a label per node, else raises.

    Args:
        owner: Function that the error message names.
        name: Argument that the error message names.
        value: The tensor, [count].
        count: How many nodes or edges there are.
        what: What each has, such as ``"label per node"``.
    """
    import torch

    if not isinstance(value, torch.Tensor) or value.shape != (count,):
        got = tuple(value.shape) if isinstance(value, torch.Tensor) else type(value).__name__
        reject(owner, name, f"one {what}, of shape ({count},)", got)
    return value


def check_indices(
    owner: str, name: str, value: Tensor, count: int, what: str = "node indices"
) -> Tensor:
    """Returns ``value`` if its entries lie from 0 to ``count - 1``, else raises.

    Waits for the device that it lies on.
    """
    if value.numel():
        low, high = (int(end) for end in value.aminmax())
        if low < 0 or high >= count:
            reject(owner, name, f"{what} from 0 to {count - 1}", low if low < 0 else high)
    return value


def check_finite(owner: str, name: str, value: Tensor, *, rule: str = "finite") -> Tensor:
    """Returns ``value`` if it holds no NaN and no infinity, else raises :class:`NotFinite`."""
    # A NaN or an infinity stays in the sum; entries are counted only where it shows one.
    if not bool(value.detach().sum().isfinite()) and (bad := int((~value.isfinite()).sum())):
        what = f"{bad} of {value.numel()} entries NaN or infinite"
        reject(owner, name, rule, what, error=NotFinite)
    return value


def check_floats(
    owner: str,
    name: str,
    value: Tensor,
    *,
    dims: int = 2,
    dtype: torch.dtype | None = None,
    columns: int | None = None,
    sparse: bool = False,
) -> Tensor:
    """Returns ``value`` if it is a tensor of real floating point numbers, else raises.

    Looks at no entry, so it never waits for a device.

    Args:
        owner: Function that the error message names.
        name: Argument that the error message names.
        value: The tensor.
        dims: Number of dimensions.
        dtype: The only dtype allowed. (default: any floating one)
        columns: Size of the last dimension. (default: any)
        sparse: Whether the CSR layout is allowed beside the strided one.
    """
    import torch

    check_tensor(owner, name, value)
    if value.layout != torch.strided and not (sparse and value.layout == torch.sparse_csr):
        reject(owner, name, f"strided{' or sparse CSR' if sparse else ''}", value.layout)
    if value.dim() != dims or (columns is not None and value.size(-1) != columns):
        wide = "" if columns is None else f" and {columns} columns"
        reject(owner, name, f"a tensor of {dims} dimensions{wide}", tuple(value.shape))
    if not value.is_floating_point():
        reject(owner, name, "of a floating point dtype", value.dtype)
    if dtype is not None and value.dtype != dtype:
        reject(owner, name, f"of dtype {dtype}", value.dtype)
    return value


def check_edges(
    owner: str,
    edge_index: Tensor,
    num_nodes: int | None = None,
    *,
    any_integer: bool = False,
) -> Tensor:
    """Returns ``edge_index`` if it is two rows of int64 node indices, else raises.

    Args:
        owner: Function that the error message names.
        edge_index: The edges, [2, e].
        num_nodes: Indices must lie below. Looked at on a CPU only: elsewhere it would wait for
            the device; and not under ``torch.compile``, whose graph would end. (default: any)
        any_integer: Whether other integer dtypes are allowed.
    """
    import torch

    if not isinstance(edge_index, torch.Tensor):
        reject(owner, "edge_index", "a tensor [2, e]", type(edge_index).__name__)
    if edge_index.layout != torch.strided:
        rule = "a tensor [2, e]; of a sparse adj_t it is PyG's to_edge_index(adj_t)[0].flip(0)"
        reject(owner, "edge_index", rule, edge_index.layout)
    if edge_index.dim() != 2 or edge_index.size(0) != 2:
        reject(owner, "edge_index", "of shape [2, e]", tuple(edge_index.shape))
    kind = edge_index.dtype
    if any_integer and (kind.is_floating_point or kind.is_complex or kind == torch.bool):
        reject(owner, "edge_index", "of an integer dtype", kind)
    if not any_integer and kind != torch.int64:
        reject(owner, "edge_index", "of dtype torch.int64", kind)
    looks = edge_index.device.type == "cpu" and not torch.compiler.is_compiling()
    if num_nodes is not None and looks:
        check_indices(owner, "edge_index", edge_index, num_nodes)
    return edge_index


def unsupported(owner: str, what: str, supported: Iterable[str]) -> NoReturn:
    """Raises the one message for a component that an operation cannot treat.

    Raises:
        Rejected: Always, a ``ValueError``: ``owner: what; supported: first, second, …``.
    """
    raise Rejected(f"{owner}: {what}; supported: {', '.join(supported)}")


def reject_size(owner: str, needed: float, sizes: str, advice: str) -> NoReturn:
    """Raises before an allocation that would not fit.

    Raises:
        Rejected: Always, a ``ValueError``: ``owner: needs about 38.1 GB for sizes; advice``.
    """
    raise Rejected(f"{owner}: needs about {in_bytes(needed)} for {sizes}; {advice}")


def in_bytes(size: float) -> str:
    """A number of bytes as messages say it, such as 38.1 GB."""
    scale, unit = (1e9, "GB") if size >= 1e8 else (1e6, "MB") if size >= 1e5 else (1e3, "kB")
    return f"{size / scale:.1f} {unit}"

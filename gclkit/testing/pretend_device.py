"""A device that this machine does not have, for tests of where tensors lie."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = torch.device("xpu", 0)

# What a real device takes from another one: single numbers are let through everywhere.
_INDEXED = {"__getitem__", "__setitem__"}  # Indices may lie on the CPU.
_BETWEEN = {"copy_", "_has_compatible_shallow_copy_type"}


class PretendDevice(TorchFunctionMode):
    """Within it ``"xpu"`` is a device: tensors remember that they lie there, and mixing raises.

    All is computed on the CPU. A call with tensors of both devices raises the ``RuntimeError`` of
    a real one, and so does a way to NumPy that does not lead over ``.cpu()``. Backward passes are
    not watched, since PyTorch makes their tensors where nothing can mark them.
    """

    def __enter__(self) -> PretendDevice:
        self._patches: list[Any] = [
            patch("torch.Generator", _Generator),
            patch.object(torch.nn.Parameter, "__new__", staticmethod(_make_parameter)),
        ]
        for each in self._patches:
            each.start()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        for each in self._patches:
            each.stop()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, kwargs = getattr(func, "__name__", ""), dict(kwargs or {})
        if name == "__get__":
            return self._attribute(func, *args)
        if name == "__set__":  # Of ``data``, by which modules move, and of ``grad``.
            func(*args)
            return _mark(args[0], _lies_here(args[1])) if isinstance(args[1], Tensor) else None
        if name == "__deepcopy__":  # Its second argument holds whatever has been copied so far.
            return _mark(func(*args), _lies_here(args[0]))
        tensors = list(_tensors((args, kwargs)))
        here = any(map(_lies_here, tensors))
        if name in {"numpy", "__array__"} and here:
            raise TypeError(f"can't convert {DEVICE} device type tensor to numpy")
        if name in {"to", "cpu", "cuda"}:
            return _moved(func, name, args, kwargs)
        wanted = kwargs.pop("device", None)
        if wanted is not None:
            here = torch.device(wanted).type == DEVICE.type
            kwargs["device"] = "cpu"
        generator = kwargs.get("generator")
        if isinstance(generator, _Generator) and generator.lies_here != here:
            raise RuntimeError(f"Expected a '{DEVICE.type if here else 'cpu'}' generator ({name})")
        if here and wanted is None and name not in _BETWEEN:
            _check_alike(name, args, tensors)
        out = func(*args, **kwargs)
        if name in _BETWEEN or name == "__setitem__":
            return out
        return tree_map(_mark, out) if here else out

    def _attribute(self, func: Any, tensor: Any, *rest: Any) -> Any:
        out = func(tensor, *rest)
        if not _lies_here(tensor):
            return out
        if isinstance(out, torch.device):
            return DEVICE
        return tree_map(_mark, out)


class _Generator(torch.Generator):
    """A generator of the CPU that says where it was asked for."""

    lies_here = False

    def __new__(cls, device: Any = "cpu") -> _Generator:
        generator = super().__new__(cls, "cpu")  # type: ignore[call-arg]
        generator.lies_here = torch.device(device).type == DEVICE.type
        return generator

    def __init__(self, device: Any = "cpu") -> None:
        pass

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return DEVICE if self.lies_here else torch.device("cpu")


_parameter = torch.nn.Parameter.__new__


def _make_parameter(cls: Any, data: Any = None, requires_grad: bool = True) -> Any:
    return _mark(_parameter(cls, data, requires_grad), _lies_here(data))


def _tensors(tree: Any) -> Iterator[Tensor]:
    return (leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor))


def _lies_here(value: Any) -> bool:
    return getattr(value, "_lies_here", False)


def _mark(value: Any, here: bool = True) -> Any:
    if isinstance(value, Tensor):
        value._lies_here = here  # type: ignore[attr-defined]
    return value


def _check_alike(name: str, args: Any, tensors: list[Tensor]) -> None:
    if name in _INDEXED and _lies_here(args[0]):
        tensors = [args[0], *_tensors(args[2:])]
    if any(tensor.dim() and not _lies_here(tensor) for tensor in tensors):
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, "
            f"{DEVICE} and cpu! ({name})"
        )


def _moved(func: Any, name: str, args: Any, kwargs: dict[str, Any]) -> Tensor:
    """``to``, ``cpu`` and ``cuda``: a copy where the device changes."""
    tensor, *rest = args
    wanted = (
        [kwargs.pop("device", None), *rest]
        if name == "to"
        else ["cpu" if name == "cpu" else DEVICE]
    )
    here, plain = _lies_here(tensor), []
    for value in wanted:
        if isinstance(value, (str, torch.device)):
            here = torch.device(value).type == DEVICE.type
        elif isinstance(value, Tensor):
            here = _lies_here(value)
            plain.append(value.dtype)
        elif isinstance(value, torch.dtype):
            plain.append(value)
    out = tensor.to(*plain, **kwargs) if plain or kwargs else tensor
    if here == _lies_here(tensor):
        return out if out is tensor else _mark(out, here)
    return _mark(out.clone() if out is tensor else out, here)

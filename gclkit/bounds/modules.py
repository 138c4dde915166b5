"""The modules of an encoder, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from torch import nn

from gclkit.checks import reject, unsupported

SUPPORTED = (
    "GCNConv",
    "SAGEConv (mean)",
    "GINConv",
    "Linear",
    "ReLU",
    "LeakyReLU",
    "PReLU",
    "RReLU (eval)",
    "Identity",
    "BatchNorm1d (eval)",
    "Dropout (eval)",
)

GROUPS = (tuple, list, nn.Sequential, nn.ModuleList)
# What a module computes, beside its parameters, and who may have written that.
METHODS = ("forward", "propagate", "message", "message_and_aggregate", "aggregate", "update")
PACKAGES = ("torch", "torch_geometric", "gclkit")
# The maps inside a convolution, and what PyG's BatchNorm wraps: only their parameters are read.
PARTS = ("lin", "lin_l", "lin_r", "module")


def repeatable(encoder: Any) -> Any:
    """The encoder; as a list where its layers come from an iterator, which ends after one use."""
    return list(encoder) if isinstance(encoder, Iterator) else encoder


def uncompiled(module: Any) -> Any:
    """The module that ``torch.compile`` wrapped, or the module itself."""
    return getattr(module, "_orig_mod", module)


def numbered_modules(owner: str, encoder: Any) -> Iterator[tuple[str, Any]]:
    """The modules of an encoder in the order in which they are applied, each with the number of
    its layer for messages.

    Args:
        owner: For messages.
        encoder: See :func:`gclkit.bounds.layers.describe_layers`.

    Raises:
        ValueError: If it is not an encoder, or a group of modules has a forward pass of its own.
    """
    encoder = uncompiled(encoder)
    layers = getattr(encoder, "layers", None)
    entries = layers() if callable(layers) and not isinstance(layers, nn.Module) else encoder
    if not isinstance(entries, Iterable):
        reject(
            owner,
            "encoder",
            "an object with a method 'layers' or a sequence of (conv, activation)",
            type(encoder).__name__,
        )
    if entries is encoder and isinstance(encoder, GROUPS):
        check_methods("the encoder", owner, encoder)
    for number, entry in enumerate(entries, start=1):
        for module in members(f"layer {number}", owner, entry):
            if module is not None:
                yield f"layer {number}", module


def class_names(module: Any) -> set[str]:
    """The names of the class of a module and of all that it derives from."""
    return {base.__name__ for base in type(module).__mro__}


def check_methods(where: str, owner: str, module: Any) -> None:
    """Raises where a subclass, or one of its parts, computes something else than the class it is
    recognised by.
    """
    for name in METHODS:
        source = getattr(getattr(module, name, None), "__module__", "torch")
        # PyG writes 'propagate' anew for every subclass, in a module named after it.
        known = source.partition(".")[0] in PACKAGES or source.endswith("_propagate")
        require(known, where, owner, f"{type(module).__name__} with a {name!r} of its own")
    for name in PARTS:
        if isinstance(part := getattr(module, name, None), nn.Module):
            check_methods(where, owner, uncompiled(part))


def members(where: str, owner: str, entry: Any) -> Iterable[Any]:
    """The modules of a group, or the module itself."""
    entry = uncompiled(entry)
    if not isinstance(entry, GROUPS):
        return (entry,)
    check_methods(where, owner, entry)
    return map(uncompiled, entry)


def require(holds: bool, where: str, owner: str, what: str) -> None:
    """Raises unless something holds of a module, else there is no bound for it."""
    if not holds:
        unsupported(owner, f"{where}, {what}, has no bound", SUPPORTED)

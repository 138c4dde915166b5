"""What a method or a regularizer was made with, to tell one run from another."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from torch import nn
from torch_geometric.transforms import BaseTransform

PLAIN = (bool, int, float, str, type(None))
# How a loss is computed, not which: a run may go on with others.
LEFT_OUT = {"backend", "memory_budget"}


def kept_arguments(thing: object, name: str) -> dict[str, Any]:
    """The arguments that a module, its parts and its transforms keep under their names.

    What an object keeps beside the arguments of its constructor, a counter for instance, is no
    setting and left out, as are tensors.

    Args:
        thing: A module, a transform or a function.
        name: What the keys start with.

    Returns:
        Plain values by dotted name, and under the name of each part that of its class.
    """
    found = {name: getattr(thing, "__qualname__", type(thing).__name__)}
    inits = [vars(base).get("__init__", object.__init__) for base in type(thing).__mro__]
    arguments = {a for init in inits for a in inspect.signature(init).parameters}
    for attribute, label, value in _parts(thing):
        if isinstance(value, (nn.Module, BaseTransform)):
            found |= kept_arguments(value, f"{name}.{label}")
        elif attribute in arguments - LEFT_OUT and type(value) in PLAIN:
            found[f"{name}.{label}"] = value
    return found


def _parts(thing: object) -> Iterator[tuple[str, str, Any]]:
    """Attributes and modules, those in a sequence one by one: attribute, label, value."""
    parts = dict(getattr(thing, "__dict__", {}))
    if isinstance(thing, nn.Module):
        parts |= dict(thing.named_children())
    for name, value in parts.items():
        if name.startswith("_"):
            continue
        if isinstance(value, (list, tuple)):
            yield from ((name, f"{name}.{i}", entry) for i, entry in enumerate(value))
        else:
            yield name, name, value

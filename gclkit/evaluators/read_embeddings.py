"""Embeddings from a file, which is read and never executed."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from gclkit.checks import reject
from gclkit.evaluators.inputs import check_embeddings
from gclkit.graphs.memory_limit import check_file
from gclkit.graphs.npz import read_npy

_KEYS = ("embeddings", "z")


def read_embeddings(path: str | Path, num_nodes: int | None = None) -> Float[Tensor, "n d"]:
    """Reads embeddings from ``.npy``, or from ``.pt`` as ``torch.save`` writes a tensor.

    Args:
        path: The file. A ``.pt`` file may also hold a dict with the tensor under
            ``"embeddings"`` or ``"z"``. Pickled objects are refused.
        num_nodes: Rows that the graph asks for. (default: any)

    Raises:
        ValueError: If the file holds no such matrix, in one line.
        OSError: If it cannot be read.
    """
    owner, path = "read_embeddings", Path(path)
    found: Any
    if path.suffix == ".npy":
        found = read_npy(owner, path)
    elif path.suffix in (".pt", ".pth"):
        check_file(owner, path)
        try:
            with warnings.catch_warnings():
                # About pickles of another protocol, which are refused in a line of our own.
                warnings.simplefilter("ignore")
                found = torch.load(path, map_location="cpu", weights_only=True)
        except Exception:  # A damaged file can fail anywhere in the reader.
            rule = "a tensor as torch.save writes it, without pickled objects"
            reject(owner, "path", rule, str(path))
        if isinstance(found, dict):
            found = next((found[key] for key in _KEYS if key in found), found)
        if not isinstance(found, Tensor):
            rule = f"a tensor, or a dict with one under {' or '.join(map(repr, _KEYS))}"
            reject(owner, "path", rule, f"{path}: {type(found).__name__}")
    else:
        reject(owner, "path", "a file ending in .npy, .pt or .pth", str(path))
    return check_embeddings(f"read_embeddings: {path}", found, num_nodes)

"""The user's own files: which reader an ending calls for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch_geometric.data import Data

from gclkit.checks import reject
from gclkit.graphs.csr_parts import read_csr
from gclkit.graphs.features import as_features, as_labels, as_weights
from gclkit.graphs.from_npz import from_arrays
from gclkit.graphs.graphml import read_graphml
from gclkit.graphs.npz import NpzFile, read_npy
from gclkit.graphs.tables import read_table

EDGE_LISTS = (".csv", ".tsv", ".txt", ".edges")
SUFFIXES = (".npz", *EDGE_LISTS, ".graphml")


def read_file(owner: str, path: Path) -> Data:
    """Reads a graph from a file, by its ending; nothing in the file is executed.

    Raises:
        OSError: If the file is missing or cannot be opened.
        ValueError: If the ending is unknown or the content is not what it promises.
    """
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return from_arrays(owner, NpzFile(owner, path))
    if suffix == ".graphml":
        return read_graphml(owner, path)
    if suffix in EDGE_LISTS:
        return _read_edge_list(owner, path)
    reject(owner, "source", f"a path ending in {', '.join(SUFFIXES)}", str(path))


def _read_edge_list(owner: str, path: Path) -> Data:
    edges, weight = read_table(owner, path, columns=2, weights=True)
    data = Data(edge_index=torch.from_numpy(edges.T.copy()))
    if weight is not None:
        data.edge_weight = as_weights(owner, "edge_weight", weight)
    return data


def read_features(owner: str, value: Any) -> Float[Tensor, "n f"]:
    """Features from an array, or from a ``.npy`` file or a ``.npz`` file as SciPy saves it."""
    if isinstance(value, (str, os.PathLike)):
        path = Path(value)
        if path.suffix.lower() == ".npy":
            value = read_npy(owner, path)
        elif path.suffix.lower() == ".npz":
            value = read_csr(owner, NpzFile(owner, path), "")
        else:
            reject(owner, "features", "an array, or a path ending in .npy or .npz", str(path))
    return as_features(owner, "features", value)


def read_labels(owner: str, value: Any) -> Int[Tensor, " n"]:
    """Labels from an array, from a ``.npy`` file, or from a text file with one per line."""
    if isinstance(value, (str, os.PathLike)):
        path = Path(value)
        if path.suffix.lower() == ".npy":
            value = read_npy(owner, path)
        elif path.suffix.lower() in EDGE_LISTS:
            value = read_table(owner, path, columns=1)[0][:, 0]
        else:
            rule = f"an array, or a path ending in .npy, {', '.join(EDGE_LISTS)}"
            reject(owner, "labels", rule, str(path))
    return as_labels(owner, "labels", value)

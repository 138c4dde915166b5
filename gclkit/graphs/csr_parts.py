"""Sparse matrices from their parts: no bad index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp

from gclkit.checks import reject

Arrays = Mapping[str, np.ndarray[Any, Any]]


def read_csr(owner: str, arrays: Arrays, prefix: str) -> sp.csr_matrix:
    """Puts together a matrix from ``<prefix>_{data,indices,indptr,shape}``, indices checked.

    SciPy hands indices to compiled code as they are; one outside the matrix would make that
    read or write foreign memory.

    Raises:
        ValueError: If a part is missing or the parts do not make a matrix.
    """
    names = {part: f"{prefix}_{part}".lstrip("_") for part in ("indices", "indptr", "shape")}
    missing = [name for name in names.values() if name not in arrays]
    if missing:
        reject(owner, "source", f"a file with '{missing[0]}'", sorted(arrays))
    indices, indptr, shape = (arrays[name] for name in names.values())
    what = f"a compressed sparse matrix in '{names['indices']}' and its parts"
    for part in (indices, indptr, shape):
        if part.ndim != 1 or part.dtype.kind not in "iu":
            reject(owner, "source", what, f"{part.dtype}, shape {part.shape}")
    stored = arrays.get(f"{prefix}_data".lstrip("_"))
    data = np.ones(len(indices), dtype=np.float32) if stored is None else stored
    indices, indptr = indices.astype(np.int64), indptr.astype(np.int64)
    rows, columns = (int(side) for side in shape[:2]) if len(shape) == 2 else (-1, -1)
    if data.ndim != 1 or data.dtype.kind not in "biuf" or len(data) != len(indices):
        reject(owner, "source", what, f"{len(indices)} indices, data {data.dtype} {data.shape}")
    if rows < 0 or columns < 0 or len(indptr) != rows + 1:
        reject(owner, "source", what, f"shape {shape.tolist()[:4]}, {len(indptr)} row pointers")
    if indptr[0] != 0 or indptr[-1] != len(indices) or (np.diff(indptr) < 0).any():
        reject(owner, "source", what, "row pointers that do not rise from 0 to the end")
    if len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < columns:
        reject(owner, "source", what, f"column {int(indices.max())} of {columns}")
    matrix = sp.csr_matrix((data, indices, indptr), shape=(rows, columns))
    with np.errstate(over="ignore", invalid="ignore"):  # Readers look for what is not finite.
        matrix.sum_duplicates()
    return matrix

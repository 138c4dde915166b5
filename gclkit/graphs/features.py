"""Node features and labels from any array into the two layouts that gclkit computes with."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.checks import check_finite, reject
from gclkit.graphs.memory_limit import memory_limit
from gclkit.sparse import csr_tensor

# Wide and mostly empty features cost less as compressed rows: bag-of-words graphs such as Cora.
SPARSE_ABOVE_COLUMNS = 500
SPARSE_BELOW_DENSITY = 0.05
# More columns than any hashing of words makes; a file can announce them without holding them.
MOST_COLUMNS = 2**31 - 1


def as_features(
    owner: str, name: str, value: Any, *, sparse: bool | None = None
) -> Float[Tensor, "n f"]:
    """Turns an array, a SciPy matrix or a tensor into finite float32 features.

    Args:
        owner: Function that an error message names.
        name: Argument that an error message names.
        value: [n, f], or [n] for a single feature; of any real dtype.
        sparse: Whether the result is a sparse CSR tensor, or a strided one. (default: sparse
            where there are more than 500 features of which less than 5 % are non-zero)

    Raises:
        ValueError: If ``value`` is not such an array or holds NaN or infinite entries.
    """
    matrix = _as_scipy_or_numpy(owner, name, value)
    if matrix.ndim == 1:
        matrix = matrix[:, None]
    if matrix.ndim != 2 or matrix.shape[1] == 0:
        reject(owner, name, "a matrix [n, f] with at least one column", tuple(matrix.shape))
    if matrix.shape[1] > MOST_COLUMNS:
        reject(owner, name, f"a matrix of at most {MOST_COLUMNS} columns", tuple(matrix.shape))
    if matrix.dtype.kind not in "biuf":
        reject(owner, name, "of a real dtype", str(matrix.dtype))
    with np.errstate(over="ignore", invalid="ignore"):  # What comes of it is looked at below.
        matrix = matrix.astype(np.float32)
        if sp.issparse(matrix):
            matrix.sum_duplicates()
    entries = matrix.data if sp.issparse(matrix) else matrix
    check_finite(owner, name, torch.from_numpy(entries), rule="finite in float32")
    if sp.issparse(matrix):
        matrix.eliminate_zeros()
        stored = matrix.nnz
    else:
        stored = int(np.count_nonzero(matrix))
    cells = matrix.shape[0] * matrix.shape[1]
    if sparse is None:
        sparse = matrix.shape[1] > SPARSE_ABOVE_COLUMNS and stored < SPARSE_BELOW_DENSITY * cells
    if sparse:
        return sparse_rows(sp.csr_matrix(matrix))
    if sp.issparse(matrix) and 4 * cells > memory_limit():
        rule = f"a matrix of at most {memory_limit()} bytes when dense, half of the memory here"
        reject(owner, name, rule, tuple(matrix.shape))
    dense = matrix.toarray() if sp.issparse(matrix) else np.ascontiguousarray(matrix)
    return torch.from_numpy(dense)


def sparse_rows(matrix: sp.csr_matrix) -> Float[Tensor, "n f"]:
    """The sparse CSR tensor of a SciPy matrix: float32 values, int64 indices, sorted columns."""
    matrix.sort_indices()
    return csr_tensor(
        torch.from_numpy(matrix.indptr.astype(np.int64)),
        torch.from_numpy(matrix.indices.astype(np.int64)),
        torch.from_numpy(matrix.data.astype(np.float32)),
        matrix.shape,
        check=True,
    )


def as_weights(owner: str, name: str, value: Any) -> Float[Tensor, " e"]:
    """Turns an array of one real number per edge into finite float32 weights."""
    weights = _as_numpy(owner, name, value)
    if weights.dtype.kind not in "biuf":
        reject(owner, name, "of a real dtype", str(weights.dtype))
    with np.errstate(over="ignore", invalid="ignore"):
        weights = weights.astype(np.float32)
    found = torch.from_numpy(np.ascontiguousarray(weights))
    return check_finite(owner, name, found, rule="finite in float32")


def as_labels(owner: str, name: str, value: Any) -> Int[Tensor, " n"]:
    """Turns an array or tensor of class numbers, [n] or [n, 1], into int64 labels.

    A negative number marks a class as unknown; what reads labels says whether it needs them all.

    Raises:
        ValueError: If an entry is not a whole number below 2^31.
    """
    labels = _as_numpy(owner, name, value)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        reject(owner, name, "one class per node, [n]", tuple(labels.shape))
    if labels.dtype.kind not in "iu":
        reject(owner, name, "of an integer dtype", str(labels.dtype))
    if labels.size and int(labels.max()) >= 2**31:
        reject(owner, name, "classes numbered without gaps from 0", int(labels.max()))
    return torch.from_numpy(np.ascontiguousarray(labels.astype(np.int64)))


def _as_numpy(owner: str, name: str, value: Any) -> np.ndarray[Any, Any]:
    if isinstance(value, Tensor):
        if value.is_complex() or value.layout != torch.strided:
            reject(owner, name, "a real, strided tensor", f"{value.dtype}, {value.layout}")
        value = value.detach().cpu()
        value = value.float() if value.is_floating_point() else value
        return value.resolve_conj().resolve_neg().numpy()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return np.asarray(value)
    except (ValueError, TypeError, OverflowError, Warning) as error:
        reject(owner, name, "an array", f"{type(value).__name__}: {error}")


def _as_scipy_or_numpy(owner: str, name: str, value: Any) -> Any:
    if sp.issparse(value):
        matrix = value.tocoo()
        return sp.csr_matrix((matrix.data, (matrix.row, matrix.col)), shape=matrix.shape)
    if isinstance(value, Tensor) and value.layout in (torch.sparse_csr, torch.sparse_coo):
        check_sparse(owner, name, value)
        if value.layout == torch.sparse_coo:
            value = value.coalesce()
            (row, col), entries = value.indices().cpu().numpy(), value.values().detach().cpu()
            return sp.csr_matrix((_entries(entries), (row, col)), shape=tuple(value.shape))
        parts = value.col_indices().cpu().numpy(), value.crow_indices().cpu().numpy()
        return sp.csr_matrix(
            (_entries(value.values().detach().cpu()), *parts), shape=tuple(value.shape)
        )
    return _as_numpy(owner, name, value)


def _entries(values: Tensor) -> np.ndarray[Any, Any]:
    return (values.float() if values.is_floating_point() else values).numpy().copy()


def check_sparse(owner: str, name: str, value: Tensor) -> Tensor:
    """Returns a sparse matrix whose indices lie inside its shape, else raises.

    PyTorch does not look at the indices when it makes a sparse tensor; a product with one that
    points outside reads foreign memory.
    """
    try:
        if value.dim() != 2:
            raise RuntimeError(f"{value.dim()} dimensions")
        if value.layout == torch.sparse_csr:
            torch._validate_sparse_csr_tensor_args(
                value.crow_indices(), value.col_indices(), value.values(), value.shape
            )
        else:
            torch._validate_sparse_coo_tensor_args(value._indices(), value._values(), value.shape)
    except RuntimeError as error:
        reject(owner, name, "a valid sparse matrix", str(error).splitlines()[0])
    if value.is_complex():
        reject(owner, name, "of a real dtype", value.dtype)
    return value

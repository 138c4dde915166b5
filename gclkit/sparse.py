"""Sparse matrices in compressed rows, the one way in which gclkit makes them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor


def csr_tensor(row_start: Tensor, column: Tensor, value: Tensor, shape: Sequence[int]) -> Tensor:
    """A CSR tensor of parts that are known to be valid.

    PyTorch announces on first use that its CSR layout is in beta; the part used here, the
    product with a dense matrix, is covered by tests, so users are not told again.

    Args:
        row_start: Where each row begins in :obj:`column`, and the end, [rows + 1].
        column: Column of each entry.
        value: Value of each entry.
        shape: Rows and columns.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(
            row_start, column, value, tuple(shape), check_invariants=False
        )


def mask_columns(matrix: Tensor, keep: Tensor) -> Tensor:
    """The matrix with the columns outside ``keep`` set to 0.

    A CSR matrix stays CSR and shares its pattern with the input: only the values are new.

    Args:
        matrix: [n, f], strided or CSR.
        keep: Which columns stay, bool [f].
    """
    if matrix.layout == torch.sparse_csr:
        values = matrix.values() * keep[matrix.col_indices()]
        return csr_tensor(matrix.crow_indices(), matrix.col_indices(), values, matrix.shape)
    return matrix * keep.to(matrix.dtype)

"""Sparse matrices in compressed rows: how gclkit makes, transposes and multiplies them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import scipy.sparse as sp
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

NARROW = (torch.bfloat16, torch.float16)
_TRANSPOSED = WeakTensorKeyDictionary()
# PyTorch announces once per process that its CSR layout is in beta. The part used here, the product
# with a dense matrix, is covered by tests, so that users are not told. Warnings are caught here
# and not at every matrix, which would have those of others forget that they have been shown.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    torch.zeros(1, 1, device="cpu").to_sparse_csr()


def csr_tensor(
    row_start: Tensor, column: Tensor, value: Tensor, shape: Sequence[int], *, check: bool = False
) -> Tensor:
    """A CSR tensor of its parts.

    Args:
        row_start: Where each row begins in :obj:`column`, and the end, [rows + 1].
        column: Column of each entry.
        value: Value of each entry.
        shape: Rows and columns.
        check: Whether the parts come from outside: a product with a column that does not exist
            would read foreign memory.

    Raises:
        RuntimeError: If the parts make no matrix and :obj:`check` is set.
    """
    return torch.sparse_csr_tensor(row_start, column, value, tuple(shape), check_invariants=check)


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


def column_sums(
    matrix: Float[Tensor, "n f"],
    weight: Float[Tensor, " n"],
    change: Callable[[Tensor], Tensor] = torch.abs,
) -> Float[Tensor, " f"]:
    """``change(matrix).T @ weight`` in the dtype of the weights; CSR is never made dense.

    Args:
        matrix: Strided or CSR.
        weight: One per row.
        change: Applied to each entry; leaves 0 at 0.
    """
    if matrix.layout != torch.sparse_csr:
        return change(matrix).to(weight.dtype).T @ weight
    rows = torch.arange(matrix.size(0), device=matrix.device)
    rows = torch.repeat_interleave(rows, matrix.crow_indices().diff().long())
    entries = change(matrix.values()).to(weight.dtype) * weight[rows]
    return weight.new_zeros(matrix.size(1)).index_add(0, matrix.col_indices().long(), entries)


def sparse_product(
    matrix: Float[Tensor, "n m"],
    dense: Float[Tensor, "m d"],
    mirror: Int[Tensor, " e"] | None = None,
) -> Float[Tensor, "n d"]:
    """``matrix @ dense`` for a CSR matrix that is mostly a constant.

    The gradient to ``dense`` needs the transposed matrix, which PyTorch sorts anew for every
    product. Here it is made once (:func:`transposed`) for all layers and, of features, for all
    epochs. Narrow factors, also those that autocast made, are multiplied in fp32: there is no
    narrow product of this kind on a CPU.

    Args:
        matrix: The matrix, ``torch.sparse_csr``. If it asks for a gradient, PyTorch multiplies.
        dense: The other factor.
        mirror: Where the entries form a symmetric pattern, the position of each entry's mirror
            image: the transposed matrix is then the same pattern with other values.
    """
    if matrix.dtype in NARROW or dense.dtype in NARROW:
        out = sparse_product(matrix.float(), dense.float(), mirror)
        return out.to(torch.promote_types(matrix.dtype, dense.dtype))
    if matrix.requires_grad:
        return matrix @ dense
    return _SparseProduct.apply(matrix, dense, mirror)


class _SparseProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, matrix: Tensor, dense: Tensor, mirror: Tensor | None) -> Tensor:
        ctx.save_for_backward(matrix, mirror)
        with torch.autocast(dense.device.type, enabled=False):
            return _multiply(matrix, dense)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor, None]:
        matrix, mirror = ctx.saved_tensors
        if mirror is None:
            flipped = transposed(matrix)
        else:
            values = matrix.values()[mirror]
            flipped = csr_tensor(matrix.crow_indices(), matrix.col_indices(), values, matrix.shape)
        return None, sparse_product(flipped, grad.contiguous(), mirror), None


def _multiply(matrix: Tensor, dense: Tensor) -> Tensor:
    if dense.device.type != "cpu" or not torch.backends.mkl.is_available():
        return matrix @ dense
    # ``matrix @ dense`` fills its result with zeros and copies it before it multiplies; MKL does
    # not read a result that counts zero times.
    out = dense.new_empty(matrix.size(0), dense.size(1))
    return torch.addmm(out, matrix, dense, beta=0, out=out)


def transposed(matrix: Float[Tensor, "n m"]) -> Float[Tensor, "m n"]:
    """The transposed of a CSR matrix as CSR, kept as long as the matrix lives unchanged.

    Args:
        matrix: The matrix, ``torch.sparse_csr``.
    """
    version, known = _TRANSPOSED.get(matrix, (None, None))
    if version != matrix._version:
        known = _transpose(matrix.detach())
        _TRANSPOSED[matrix] = matrix._version, known
    return known


def _transpose(matrix: Tensor) -> Tensor:
    start, column, value = matrix.crow_indices(), matrix.col_indices(), matrix.values()
    shape = matrix.size(1), matrix.size(0)
    if value.device.type != "cpu" or value.dtype not in (torch.float32, torch.float64):
        return matrix.t().to_sparse_csr()
    # SciPy counts, PyTorch sorts: a sixth of the time.
    parts = (value.numpy(), column.numpy(), start.numpy())
    rows = sp.csc_matrix(parts, shape=shape).tocsr()
    start, column, value = map(torch.from_numpy, (rows.indptr, rows.indices, rows.data))
    return csr_tensor(start, column, value, shape)

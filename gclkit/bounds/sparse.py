"""Sparse matrices of edges, and one inner product per edge."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from gclkit.sparse import csr_tensor


def pattern(
    row: Int[Tensor, " e"], col: Int[Tensor, " e"], size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Row starts and columns of a CSR matrix, from edges sorted by row.

    Indices are int32 where they fit: half the traffic, twice the speed on a CPU.
    """
    index = torch.int32 if max(*size, row.numel()) < 2**31 else torch.int64
    start = torch.searchsorted(row, torch.arange(size[0] + 1, device=row.device))
    return start.to(index), col.to(index)


class _EdgeDot(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, row: Tensor, col: Tensor, left: Tensor, right: Tensor, block: int
    ) -> Tensor:
        ctx.save_for_backward(row, col, left, right)
        parts = zip(row.split(block), col.split(block), strict=True)
        return torch.cat([torch.einsum("ed,ed->e", left[i], right[j]) for i, j in parts])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, None, Tensor, Tensor, None]:
        row, col, left, right = ctx.saved_tensors
        size = len(left), len(right)
        matrix = csr_tensor(*pattern(row, col, size), grad.contiguous(), size)
        return None, None, matrix @ right, matrix.t() @ left, None


def edge_dot(
    row: Int[Tensor, " e"],
    col: Int[Tensor, " e"],
    left: Float[Tensor, "n d"],
    right: Float[Tensor, "m d"],
) -> Float[Tensor, " e"]:
    """One inner product per edge, ``left[row] . right[col]``, in blocks of edges.

    Args:
        row: Edges, sorted by row.
        col: The other end.
        left: Vectors of the rows.
        right: Vectors of the columns.

    Memory: O(e + (n + m) d + block); no tensor of size e x d lives on.
    """
    block = max(1, 2**23 // max(1, left.shape[1]))
    return _EdgeDot.apply(row, col, left.contiguous(), right.contiguous(), block)

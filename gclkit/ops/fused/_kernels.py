# mypy: disable-error-code="no-untyped-def,untyped-decorator"
"""Two fused kernels: one program per block of rows, keys streamed through on-chip memory.

The first reduces, the second multiplies the softmax weights, made again from the saved
log-sum-exps, with the other rows. Both write each output once, so results do not depend on
the order of the programs.
"""

from __future__ import annotations

import os

import torch
import triton
import triton.language as tl
from torch import Tensor

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"


@triton.jit
def _excluded(live, row, col, ends_ptr, keys_ptr, most, n):
    """Entries of a tile that the sparse pattern (compressed rows) leaves out."""
    start = tl.load(ends_ptr + row, mask=row < n, other=0)
    end = tl.load(ends_ptr + row + 1, mask=row < n, other=0)
    for at in range(most):
        key = tl.load(keys_ptr + start + at, mask=start + at < end, other=-1)
        live = live & (col[None, :] != key[:, None])
    return live


@triton.jit
def _logsumexp_kernel(
    q_ptr,
    k_ptr,
    bias_ptr,
    ends_ptr,
    keys_ptr,
    out_ptr,
    scale_ptr,
    n,
    m,
    d,
    most,
    NOT_SELF: tl.constexpr,
    BIAS: tl.constexpr,
    PRECISION: tl.constexpr,
    ROWS: tl.constexpr,
    COLS: tl.constexpr,
    DIM: tl.constexpr,
):
    row, dim = tl.program_id(0) * ROWS + tl.arange(0, ROWS), tl.arange(0, DIM)
    # 64 bits: n * d passes 2^31 on large graphs.
    at = row.to(tl.int64)[:, None] * d + dim[None, :]
    q = tl.load(q_ptr + at, mask=(row[:, None] < n) & (dim[None, :] < d), other=0.0)
    scale = tl.load(scale_ptr)
    # The least finite number instead of -inf: (-inf) - (-inf) would be NaN.
    top = tl.full((ROWS,), -3.4e38, tl.float32)
    total = tl.zeros((ROWS,), tl.float32)
    for start in range(0, m, COLS):
        col = start + tl.arange(0, COLS)
        at = col.to(tl.int64)[:, None] * d + dim[None, :]
        k = tl.load(k_ptr + at, mask=(col[:, None] < m) & (dim[None, :] < d), other=0.0)
        logits = scale * tl.dot(q, tl.trans(k), input_precision=PRECISION)
        if BIAS:
            logits += tl.load(bias_ptr + col, mask=col < m, other=0.0)[None, :]
        live = (col[None, :] < m) & (row[:, None] < n)
        if NOT_SELF:
            live = live & (col[None, :] != row[:, None])
        live = _excluded(live, row, col, ends_ptr, keys_ptr, most, n)
        logits = tl.where(live, logits, float("-inf"))
        new_top = tl.maximum(top, tl.max(logits, axis=1))
        total = total * tl.exp(top - new_top) + tl.sum(tl.exp(logits - new_top[:, None]), axis=1)
        top = new_top
    total = tl.where(row < n, total, 1.0)
    tl.store(out_ptr + row, top + tl.log(total), mask=row < n)


@triton.jit
def _weighted_sum_kernel(
    own_ptr,
    other_ptr,
    own_lse_ptr,
    own_grad_ptr,
    own_bias_ptr,
    other_lse_ptr,
    other_grad_ptr,
    other_bias_ptr,
    ends_ptr,
    keys_ptr,
    out_ptr,
    out_bias_ptr,
    scale_ptr,
    n,
    m,
    d,
    most,
    AS_QUERY: tl.constexpr,
    AS_KEY: tl.constexpr,
    NOT_SELF: tl.constexpr,
    PRECISION: tl.constexpr,
    ROWS: tl.constexpr,
    COLS: tl.constexpr,
    DIM: tl.constexpr,
):
    row, dim = tl.program_id(0) * ROWS + tl.arange(0, ROWS), tl.arange(0, DIM)
    inside = (row[:, None] < n) & (dim[None, :] < d)
    own_at = row.to(tl.int64)[:, None] * d + dim[None, :]
    own = tl.load(own_ptr + own_at, mask=inside, other=0.0)
    scale = tl.load(scale_ptr)
    own_bias = tl.load(own_bias_ptr + row, mask=row < n, other=0.0)
    own_lse = tl.load(own_lse_ptr + row, mask=row < n, other=float("inf"))
    own_grad = tl.load(own_grad_ptr + row, mask=row < n, other=0.0)
    total = tl.zeros((ROWS, DIM), tl.float32)
    total_bias = tl.zeros((ROWS,), tl.float32)
    for start in range(0, m, COLS):
        col = start + tl.arange(0, COLS)
        at = col.to(tl.int64)[:, None] * d + dim[None, :]
        other = tl.load(other_ptr + at, mask=(col[:, None] < m) & (dim[None, :] < d), other=0.0)
        logits = scale * tl.dot(own, tl.trans(other), input_precision=PRECISION)
        live = (col[None, :] < m) & (row[:, None] < n)
        if NOT_SELF:
            live = live & (col[None, :] != row[:, None])
        live = _excluded(live, row, col, ends_ptr, keys_ptr, most, n)
        logits = tl.where(live, logits, float("-inf"))
        weight = tl.zeros((ROWS, COLS), tl.float32)
        if AS_QUERY:  # The own row is the query of the pair.
            bias = tl.load(other_bias_ptr + col, mask=col < m, other=0.0)
            weight += own_grad[:, None] * tl.exp(logits + bias[None, :] - own_lse[:, None])
        if AS_KEY:  # The own row is the key of the pair.
            lse = tl.load(other_lse_ptr + col, mask=col < m, other=float("inf"))
            grad = tl.load(other_grad_ptr + col, mask=col < m, other=0.0)
            share = grad[None, :] * tl.exp(logits + own_bias[:, None] - lse[None, :])
            total_bias += tl.sum(share, axis=1)
            weight += share
        total += tl.dot(weight.to(other.dtype), other, input_precision=PRECISION)
    tl.store(out_ptr + own_at, total, mask=inside)
    tl.store(out_bias_ptr + row, total_bias, mask=row < n)


class Pattern:
    """Pairs left out, as compressed rows; ``most`` is the largest number in a row."""

    def __init__(self, pairs: Tensor | None, rows: int, device: torch.device) -> None:
        self.ends = torch.zeros(rows + 1, dtype=torch.int64, device=device)
        self.keys = torch.zeros(1, dtype=torch.int64, device=device)
        self.most = 0
        if pairs is not None and pairs.size(1):
            row, order = pairs[0].sort(stable=True)
            counts = torch.bincount(row, minlength=rows)
            self.ends[1:] = counts.cumsum(0)
            self.keys = pairs[1][order].contiguous()
            self.most = int(counts.max())


def as_operand(rows: Tensor, dtype: torch.dtype) -> Tensor:
    """Returns the rows in the dtype of the products, laid out row by row."""
    rows = rows.to(dtype)
    if INTERPRETED and dtype == torch.bfloat16:
        # The interpreter multiplies the bits of bf16 as integers; fp32 holds the same values.
        rows = rows.float()
    return rows.contiguous()


def logsumexp(
    queries: Tensor,
    keys: Tensor,
    scale: Tensor,
    key_bias: Tensor | None,
    pattern: Pattern,
    *,
    not_self: bool,
) -> Tensor:
    """Returns the row-wise log-sum-exp, by one kernel launch."""
    (n, d), m = queries.shape, keys.size(0)
    out = torch.empty(n, dtype=torch.float32, device=queries.device)
    sizes = _sizes(queries)
    _logsumexp_kernel[(triton.cdiv(n, sizes["ROWS"]),)](
        queries,
        keys,
        out if key_bias is None else key_bias,
        pattern.ends,
        pattern.keys,
        out,
        scale,
        n,
        m,
        d,
        pattern.most,
        NOT_SELF=not_self,
        BIAS=key_bias is not None,
        **sizes,
    )
    return out


def weighted_sum(
    own: Tensor,
    other: Tensor,
    scale: Tensor,
    own_side: tuple[Tensor, Tensor, Tensor],
    other_side: tuple[Tensor, Tensor, Tensor],
    pattern: Pattern,
    *,
    as_query: bool,
    as_key: bool,
    not_self: bool,
) -> tuple[Tensor, Tensor]:
    """Returns the weighted sums of the other rows, and the weight of each row as a key.

    A side is the log-sum-exp, its gradient and the bias of its rows.
    """
    (n, d), m = own.shape, other.size(0)
    out = torch.empty(n, d, dtype=torch.float32, device=own.device)
    out_bias = torch.empty(n, dtype=torch.float32, device=own.device)
    sizes = _sizes(own)
    _weighted_sum_kernel[(triton.cdiv(n, sizes["ROWS"]),)](
        own,
        other,
        *own_side,
        *other_side,
        pattern.ends,
        pattern.keys,
        out,
        out_bias,
        scale,
        n,
        m,
        d,
        pattern.most,
        AS_QUERY=as_query,
        AS_KEY=as_key,
        NOT_SELF=not_self,
        **sizes,
    )
    return out, out_bias


def _sizes(rows: Tensor) -> dict[str, int | str]:
    """Blocks that fit on-chip memory at 512 columns, and the precision of fp32 products."""
    narrow = rows.dtype != torch.float32
    wide = rows.size(1) > 256
    block = (32 if wide else 64) if narrow else (16 if wide else 32)
    matmul = torch.backends.cuda.matmul
    # From PyTorch 2.9 on: once it was set, the older setting can no longer be read.
    precision = getattr(matmul, "fp32_precision", None)
    tf32 = matmul.allow_tf32 if precision is None else precision == "tf32"
    return {
        "ROWS": block,
        "COLS": block,
        "DIM": max(16, triton.next_power_of_2(rows.size(1))),
        # TF32 keeps 10 bits of mantissa, and a small temperature multiplies that error.
        "PRECISION": "tf32" if tf32 else "ieee",
    }

# mypy: disable-error-code="no-untyped-def,untyped-decorator"
"""Two fused kernels: a program holds a block of rows, and keys stream through on-chip memory.

The first reduces, the second multiplies the softmax weights, made again from the saved
log-sum-exps, with the other rows. The second axis of programs shares out the keys; each program
writes its own part of the output, so results do not depend on their order.

Matrices have a width that is a multiple of 16.
"""

import triton
import triton.language as tl


@triton.jit
def _leave_out(
    logits,
    first,
    start,
    row,
    col,
    ends_ptr,
    keys_ptr,
    n,
    m,
    NOT_SELF: tl.constexpr,
    EXCLUDES: tl.constexpr,
    ROWS: tl.constexpr,
    COLS: tl.constexpr,
):
    """The logits of a tile, with -inf where an entry does not count."""
    partial = start + COLS > m
    if NOT_SELF:
        partial = partial | ((start < first + ROWS) & (first < start + COLS))
    if partial:  # Most tiles are whole, and comparing every entry costs as much as its exponential.
        live = col[None, :] < m
        if NOT_SELF:
            live = live & (col[None, :] != row[:, None])
        logits = tl.where(live, logits, float("-inf"))
    if EXCLUDES > 0:  # Compressed rows: none in any, at most one in each, or more.
        begin = tl.load(ends_ptr + row, mask=row < n, other=0)
        end = tl.load(ends_ptr + row + 1, mask=row < n, other=0)
        key = tl.load(keys_ptr + begin, mask=begin < end, other=-1)
        logits = tl.where(col[None, :] != key[:, None], logits, float("-inf"))
        if EXCLUDES > 1:  # A loop of its own, since Triton prefetches in innermost loops alone.
            for at in range(1, tl.max(end - begin, axis=0)):
                key = tl.load(keys_ptr + begin + at, mask=begin + at < end, other=-1)
                logits = tl.where(col[None, :] != key[:, None], logits, float("-inf"))
    return logits


@triton.jit
def logsumexp_kernel(
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
    span,
    NOT_SELF: tl.constexpr,
    EXCLUDES: tl.constexpr,
    BIAS: tl.constexpr,
    PRECISION: tl.constexpr,
    ROWS: tl.constexpr,
    COLS: tl.constexpr,
    DIM: tl.constexpr,
):
    """The log-sum-exp of each row over the keys of one span."""
    first, part = tl.program_id(0) * ROWS, tl.program_id(1)
    row, dim = first + tl.arange(0, ROWS), tl.arange(0, DIM)
    inside = dim[None, :] < d
    # 64 bits where n * d counts, and for one number only: it passes 2^31 on large graphs.
    q_at = tl.cast(first, tl.int64) * d + tl.arange(0, ROWS)[:, None] * d + dim[None, :]
    q = tl.load(q_ptr + q_at, mask=(row[:, None] < n) & inside, other=0.0)
    k_at = tl.arange(0, COLS)[:, None] * d + dim[None, :]
    scale = tl.load(scale_ptr)
    # The least finite number instead of -inf: (-inf) - (-inf) would be NaN.
    top = tl.full((ROWS,), -3.4e38, tl.float32)
    total = tl.zeros((ROWS,), tl.float32)
    for start in range(part * span, tl.minimum(part * span + span, m), COLS):
        col = start + tl.arange(0, COLS)
        tile_ptr = k_ptr + tl.cast(start, tl.int64) * d
        k = tl.load(tile_ptr + k_at, mask=(col[:, None] < m) & inside, other=0.0)
        logits = scale * tl.dot(q, tl.trans(k), input_precision=PRECISION)
        if BIAS:
            logits += tl.load(bias_ptr + col, mask=col < m, other=0.0)[None, :]
        logits = _leave_out(
            logits, first, start, row, col, ends_ptr, keys_ptr, n, m,
            NOT_SELF, EXCLUDES, ROWS, COLS,
        )  # fmt: skip
        new_top = tl.maximum(top, tl.max(logits, axis=1))
        total = total * tl.exp(top - new_top) + tl.sum(tl.exp(logits - new_top[:, None]), axis=1)
        top = new_top
    total = tl.where(total > 0, total, 1.0)  # None of these keys counts for the row.
    out_at = tl.cast(part, tl.int64) * n + row
    tl.store(out_ptr + out_at, top + tl.log(total), mask=row < n)


@triton.jit
def weighted_sum_kernel(
    own_ptr,
    other_ptr,
    lse_ptr,
    grad_ptr,
    bias_ptr,
    ends_ptr,
    keys_ptr,
    out_ptr,
    out_bias_ptr,
    scale_ptr,
    n,
    m,
    d,
    span,
    AS_QUERY: tl.constexpr,
    AS_KEY: tl.constexpr,
    NOT_SELF: tl.constexpr,
    EXCLUDES: tl.constexpr,
    BIAS: tl.constexpr,
    PRECISION: tl.constexpr,
    ROWS: tl.constexpr,
    COLS: tl.constexpr,
    DIM: tl.constexpr,
):
    """The sum over one span of the other rows, weighted by softmax and gradient, for each row.

    Log-sum-exps and their gradients are those of queries, a bias is that of keys: of own rows or of
    others, by what they are.
    """
    first, part = tl.program_id(0) * ROWS, tl.program_id(1)
    row, dim = first + tl.arange(0, ROWS), tl.arange(0, DIM)
    inside = dim[None, :] < d
    own_at = tl.cast(first, tl.int64) * d + tl.arange(0, ROWS)[:, None] * d + dim[None, :]
    own_inside = (row[:, None] < n) & inside
    own = tl.load(own_ptr + own_at, mask=own_inside, other=0.0)
    other_at = tl.arange(0, COLS)[:, None] * d + dim[None, :]
    scale = tl.load(scale_ptr)
    total = tl.zeros((ROWS, DIM), tl.float32)
    if AS_QUERY:
        own_lse = tl.load(lse_ptr + row, mask=row < n, other=0.0)
        own_grad = tl.load(grad_ptr + row, mask=row < n, other=0.0)
    if BIAS and AS_KEY:
        own_bias = tl.load(bias_ptr + row, mask=row < n, other=0.0)
        total_bias = tl.zeros((ROWS,), tl.float32)
    for start in range(part * span, tl.minimum(part * span + span, m), COLS):
        col = start + tl.arange(0, COLS)
        tile_ptr = other_ptr + tl.cast(start, tl.int64) * d
        other = tl.load(tile_ptr + other_at, mask=(col[:, None] < m) & inside, other=0.0)
        logits = scale * tl.dot(own, tl.trans(other), input_precision=PRECISION)
        logits = _leave_out(
            logits, first, start, row, col, ends_ptr, keys_ptr, n, m,
            NOT_SELF, EXCLUDES, ROWS, COLS,
        )  # fmt: skip
        weight = tl.zeros((ROWS, COLS), tl.float32)
        # Bias before log-sum-exp, as in the other kernel: what rounds alike there cancels.
        if AS_QUERY:  # The own row is the query of the pair.
            exponent = logits
            if BIAS:
                exponent += tl.load(bias_ptr + col, mask=col < m, other=0.0)[None, :]
            weight += own_grad[:, None] * tl.exp(exponent - own_lse[:, None])
        if AS_KEY:  # The own row is the key of the pair.
            lse = tl.load(lse_ptr + col, mask=col < m, other=0.0)
            grad = tl.load(grad_ptr + col, mask=col < m, other=0.0)
            exponent = logits
            if BIAS:
                exponent += own_bias[:, None]
            share = grad[None, :] * tl.exp(exponent - lse[None, :])
            if BIAS:
                total_bias += tl.sum(share, axis=1)
            weight += share
        total = tl.dot(weight.to(other.dtype), other, total, input_precision=PRECISION)
    out_at = tl.cast(part, tl.int64) * n * d + own_at
    tl.store(out_ptr + out_at, total, mask=own_inside)
    if BIAS and AS_KEY:
        tl.store(out_bias_ptr + tl.cast(part, tl.int64) * n + row, total_bias, mask=row < n)

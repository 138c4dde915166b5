"""The kernels as functions of tensors: layout of the rows, sizes of tiles, launches."""

from __future__ import annotations

import os
from typing import NamedTuple

import torch
import torch.nn.functional as F
import triton
from torch import Tensor

from gclkit.ops.backend import uses_tf32
from gclkit.ops.fused._kernels import logsumexp_kernel, weighted_sum_kernel
from gclkit.ops.memory import FUSED_KEYS, FUSED_PROGRAMS, FUSED_ROWS

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
# Rows and columns, the fastest first: rows save reads of the keys, columns feed the products.
TILES = ((FUSED_ROWS, 64), (FUSED_ROWS, 32), (64, 64), (64, 32), (32, 32), (32, 16), (16, 16))
# Bytes on chip that every device has.
LEAST_SHARED = 64 * 1024


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


class Launch(NamedTuple):
    """Sizes of a tile, and how the compiler is to lay it out.

    Attributes:
        ROWS: Rows of a program.
        COLS: Keys that are read at a time.
        DIM: Width, the next power of two.
        PRECISION: How factors of fp32 are multiplied, ``"tf32"`` or ``"ieee"``.
        num_warps: Groups of 32 threads of a program.
        num_stages: Tiles of keys on chip, those that are prefetched among them.
        enable_fp_fusion: Whether a product and a sum are rounded once; said, since Triton's
            default is to change.
    """

    ROWS: int
    COLS: int
    DIM: int
    PRECISION: str
    num_warps: int
    num_stages: int
    enable_fp_fusion: bool = True


def as_operand(rows: Tensor, dtype: torch.dtype) -> Tensor:
    """Returns the rows in the dtype of the products, with a width that vectors of 16 divide."""
    rows = rows.to(dtype)
    if INTERPRETED and dtype == torch.bfloat16:
        # The interpreter multiplies the bits of bf16 as integers; fp32 holds the same values.
        rows = rows.float()
    short = -rows.size(1) % 16
    return F.pad(rows, (0, short)) if short else rows.contiguous()


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
    launch = plan_launch(d, queries.dtype, shared_bytes(queries.device))
    parts, span = share_keys(n, m, launch)
    out = torch.empty(parts, n, dtype=torch.float32, device=queries.device)
    logsumexp_kernel[(triton.cdiv(n, launch.ROWS), parts)](
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
        span,
        NOT_SELF=not_self,
        EXCLUDES=min(pattern.most, 2),
        BIAS=key_bias is not None,
        **launch._asdict(),
    )
    return out[0] if parts == 1 else out.logsumexp(dim=0)


def weighted_sum(
    own: Tensor,
    other: Tensor,
    scale: Tensor,
    lse: Tensor,
    grad: Tensor,
    key_bias: Tensor | None,
    pattern: Pattern,
    *,
    as_query: bool,
    as_key: bool,
    not_self: bool,
) -> tuple[Tensor, Tensor]:
    """Returns the weighted sums of the other rows; where rows are keys with a bias, their weights.

    Args:
        own: Rows that get a sum each.
        other: Rows that are summed up.
        scale: Factor of the similarities.
        lse: Log-sum-exps of the rows that are queries.
        grad: Their gradients.
        key_bias: Bias of the rows that are keys.
        pattern: Pairs left out, own rows first.
        as_query: Whether own rows are the queries of the pairs.
        as_key: Whether they are the keys; with both, the other rows are the same ones.
        not_self: Whether a row is left out of its own sum.
    """
    (n, d), m = own.shape, other.size(0)
    launch = plan_launch(d, own.dtype, shared_bytes(own.device))
    parts, span = share_keys(n, m, launch)
    out = torch.empty(parts, n, d, dtype=torch.float32, device=own.device)
    out_bias = torch.empty(parts, n, dtype=torch.float32, device=own.device)
    weighted_sum_kernel[(triton.cdiv(n, launch.ROWS), parts)](
        own,
        other,
        lse,
        grad,
        out_bias if key_bias is None else key_bias,
        pattern.ends,
        pattern.keys,
        out,
        out_bias,
        scale,
        n,
        m,
        d,
        span,
        AS_QUERY=as_query,
        AS_KEY=as_key,
        NOT_SELF=not_self,
        EXCLUDES=min(pattern.most, 2),
        BIAS=key_bias is not None,
        **launch._asdict(),
    )
    if parts == 1:
        return out[0], out_bias[0]
    return out.sum(dim=0), out_bias.sum(dim=0)


def plan_launch(width: int, dtype: torch.dtype, shared: int) -> Launch:
    """Returns the sizes that a matrix of a width and dtype takes on a device.

    Args:
        width: Columns.
        dtype: Of the factors of products.
        shared: Bytes of on-chip memory that a program may take.
    """
    dim = max(16, triton.next_power_of_2(width))
    precision = "tf32" if uses_tf32() else "ieee"
    # No matrix unit multiplies fp32 in full: threads do, which hold all the factors that they can.
    by_threads = dtype == torch.float32 and precision == "ieee"
    stages, most_sums, most_cols = (1, 64 * 256, 32) if by_threads else (2, 128 * 256, 64)
    for rows, cols in TILES if not INTERPRETED else ((32, 16),):
        held = (rows + stages * cols) * dim * dtype.itemsize + 4 * rows * cols
        fits = held <= shared and rows * dim <= most_sums and cols * dim <= 64 * 256
        if fits and cols <= most_cols:
            break
    return Launch(rows, cols, dim, precision, 4 if rows == 16 else 8, stages)


def share_keys(n: int, m: int, launch: Launch) -> tuple[int, int]:
    """Returns the number of parts of the keys, and how many are in each: enough programs for a
    device even where rows are few, and enough keys for each of them.
    """
    programs = triton.cdiv(n, launch.ROWS)
    parts = max(1, min(FUSED_PROGRAMS // programs, m // FUSED_KEYS))
    span = triton.cdiv(triton.cdiv(m, parts), launch.COLS) * launch.COLS
    return triton.cdiv(m, span), span


def shared_bytes(device: torch.device) -> int:
    """Returns the bytes of on-chip memory that a program may take."""
    if device.type != "cuda":
        return LEAST_SHARED
    properties = torch.cuda.get_device_properties(device)
    return max(LEAST_SHARED, int(getattr(properties, "shared_memory_per_block_optin", 0)))

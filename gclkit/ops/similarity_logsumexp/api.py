from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor
from typing_extensions import Unpack

from gclkit.checks import reject
from gclkit.ops.bounded_sums import RowSums, is_bounded
from gclkit.ops.full_precision import full_precision
from gclkit.ops.inputs import (
    check_alike,
    check_products,
    check_rows,
    check_scale,
    check_vector,
    entry_weights,
    widen,
)
from gclkit.ops.memory import plan_blocks
from gclkit.ops.options import BlockOptions, without_triton
from gclkit.ops.pairs import as_pairs
from gclkit.ops.running_maximum import RunningMaximum
from gclkit.ops.similarity_logsumexp import _reference
from gclkit.ops.tiles import Tiling

OWNER = "similarity_logsumexp"


@full_precision
def similarity_logsumexp(
    queries: Float[Tensor, "n d"],
    keys: Float[Tensor, "m d"],
    scale: float | Float[Tensor, ""] = 1.0,
    key_bias: Float[Tensor, " m"] | None = None,
    exclude: Int[Tensor, " n"] | Int[Tensor, "2 p"] | Tensor | None = None,
    *,
    weight: Callable[[Tensor], Tensor] | None = None,
    **options: Unpack[BlockOptions],
) -> Float[Tensor, " n"]:
    r"""Row-wise log-sum-exp of all pairwise similarities, without their matrix.

    .. math::
        \mathrm{out}_i = \log \sum_{j \notin \mathcal{E}_i}
        w(\mathbf{q}_i^{\top} \mathbf{k}_j)
        \exp(s\, \mathbf{q}_i^{\top} \mathbf{k}_j + b_j)

    This is the denominator of every InfoNCE-type loss. It is differentiable in
    :obj:`queries`, :obj:`keys`, :obj:`scale` and :obj:`key_bias`.

    Args:
        queries: Rows :math:`\mathbf{q}_i`.
        keys: Rows :math:`\mathbf{k}_j`, of the width, dtype and device of :obj:`queries`.
        scale: Factor :math:`s`, the inverse of the temperature; a number or a tensor.
        key_bias: Term :math:`b_j` of each key. (default: none)
        exclude: Entries :math:`\mathcal{E}` that are left out: one key index per row, pairs
            ``(row, key)`` as a ``[2, p]`` tensor, or a sparse matrix ``[n, m]``.
        weight: Factor :math:`w \ge 0` of an entry as an element-wise function of its
            similarity. It is evaluated inside the blocks and is not differentiated.
        **options: How blocks are computed, :class:`gclkit.ops.BlockOptions`.

    Returns:
        One natural logarithm per query, in fp32 (fp64 for fp64 inputs).

    Raises:
        ValueError: If an input is empty, not finite, of an integer dtype or does not fit the
            others; if similarities overflow; if a row is left without keys; if a backend
            cannot run; if the memory needed is not there.

    Memory: forward and backward :math:`O((n + m) d + b^2)` for block size :math:`b`.
    """
    check_rows(OWNER, "queries", queries)
    check_rows(OWNER, "keys", keys)
    check_alike(OWNER, "keys", keys, "queries", queries)
    factor = check_scale(OWNER, scale, queries)
    if key_bias is not None:
        check_vector(OWNER, "key_bias", key_bias, keys.size(0), keys)
    pairs = None
    if exclude is not None:
        pairs = as_pairs(OWNER, "exclude", exclude, queries.size(0), keys.size(0))
        check_keys_left(OWNER, pairs, queries.size(0), keys.size(0))

    queries, keys = widen(queries), widen(keys)
    key_bias = None if key_bias is None else key_bias.to(keys.dtype)
    if weight is not None:
        weight = partial(entry_weights, OWNER, weight)
        options = without_triton(OWNER, "'reference' or 'blockwise' with a weight", options)
    chosen, product, block, keep, workers = plan_blocks(
        OWNER, queries, queries.size(0), keys.size(0), **options
    )
    bounded = chosen == "blockwise" and is_bounded(queries, keys, factor, key_bias)
    if not bounded:
        check_products(OWNER, "queries", queries, keys, times=factor.detach())
    if chosen == "reference":
        return _reference.forward(queries, keys, factor, key_bias, pairs, weight, product)
    if chosen == "triton":
        from gclkit.ops.fused import FusedRowSums

        return FusedRowSums.apply(queries, keys, factor, key_bias, pairs, product)
    tiling = Tiling(block, product, keep, exclude=pairs, weight=weight, workers=workers)
    if bounded:
        out = RowSums.apply(queries, keys, factor, key_bias, tiling)
        if weight is None or not bool(out.isinf().any()):
            return out
        tiling.forget()  # Large weights, which took the sums out of range.
    return RunningMaximum.apply(queries, keys, factor, key_bias, tiling)


def check_keys_left(owner: str, pairs: Int[Tensor, "2 p"], rows: int, keys: int) -> None:
    """Raises a ``ValueError`` if a row is left without any key."""
    left_out = torch.bincount(pairs[0], minlength=rows)
    if bool((left_out >= keys).any()):
        row = int((left_out >= keys).nonzero()[0])
        reject(owner, "exclude", "a set that leaves every row a key", f"all keys of row {row}")

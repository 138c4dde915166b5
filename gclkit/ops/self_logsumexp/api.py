from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from typing_extensions import Unpack

from gclkit.checks import reject
from gclkit.ops.bounded_sums import SelfSums, is_bounded
from gclkit.ops.full_precision import full_precision
from gclkit.ops.inputs import check_products, check_rows, check_scale, check_vector, widen
from gclkit.ops.memory import plan_blocks
from gclkit.ops.options import BlockOptions
from gclkit.ops.pairs import as_pairs
from gclkit.ops.running_maximum import RunningMaximum
from gclkit.ops.similarity_logsumexp import _reference
from gclkit.ops.similarity_logsumexp.api import check_keys_left
from gclkit.ops.tiles import Tiling

OWNER = "self_logsumexp"


@full_precision
def self_logsumexp(
    z: Float[Tensor, "n d"],
    scale: float | Float[Tensor, ""] = 1.0,
    key_bias: Float[Tensor, " n"] | None = None,
    exclude: Int[Tensor, " n"] | Int[Tensor, "2 p"] | Tensor | None = None,
    **options: Unpack[BlockOptions],
) -> Float[Tensor, " n"]:
    r"""Log-sum-exp of the similarities of each row to all *other* rows.

    .. math::
        \mathrm{out}_i = \log \sum_{j \ne i,\; (i,j) \notin \mathcal{E}}
        \exp(s\, \mathbf{z}_i^{\top} \mathbf{z}_j + b_j)

    The matrix is symmetric, so half of it is computed: with both views of a graph stacked
    into :obj:`z`, one cross-view block serves both directions and each intra-view block is
    made once. Equal to :func:`similarity_logsumexp` of the rows with themselves.

    Args:
        z: Rows :math:`\mathbf{z}_i`, two or more.
        scale: Factor :math:`s`, the inverse of the temperature; a number or a tensor.
        key_bias: Term :math:`b_j` of each row where it is the key. (default: none)
        exclude: Further entries :math:`\mathcal{E}` that are left out: a symmetric set in a
            form that :func:`similarity_logsumexp` takes.
        **options: How blocks are computed, :class:`gclkit.ops.BlockOptions`.

    Returns:
        One natural logarithm per row, in fp32 (fp64 for fp64 inputs).

    Raises:
        ValueError: As :func:`similarity_logsumexp`; if there is a single row; if
            :obj:`exclude` is not symmetric.
    """
    check_rows(OWNER, "z", z)
    factor = check_scale(OWNER, scale, z)
    n = z.size(0)
    if n < 2:
        reject(OWNER, "z", "two rows or more", tuple(z.shape))
    if key_bias is not None:
        check_vector(OWNER, "key_bias", key_bias, n, z)
    itself = torch.arange(n, device=z.device).expand(2, n)
    pairs, others = itself, None
    if exclude is not None:
        others = as_pairs(OWNER, "exclude", exclude, n, n)
        _check_symmetric(others, n)
        pairs = as_pairs(OWNER, "exclude", torch.cat([others, itself], dim=1), n, n)
        check_keys_left(OWNER, pairs, n, n)

    z = widen(z)
    key_bias = None if key_bias is None else key_bias.to(z.dtype)
    chosen, product, block, keep, workers = plan_blocks(OWNER, z, n, n, **options)
    bounded = chosen == "blockwise" and is_bounded(z, z, factor, key_bias)
    if not bounded:
        check_products(OWNER, "z", z, z, times=factor.detach())
    if chosen == "reference":
        return _reference.forward(z, z, factor, key_bias, pairs, None, product)
    if chosen == "triton":
        from gclkit.ops.fused import FusedSelfSums

        return FusedSelfSums.apply(z, factor, key_bias, others, product)
    if bounded:
        tiling = Tiling(block, product, keep, triangle=True, exclude=others, workers=workers)
        return SelfSums.apply(z, factor, key_bias, tiling)
    tiling = Tiling(block, product, keep, exclude=pairs)
    return RunningMaximum.apply(z, z, factor, key_bias, tiling)


def _check_symmetric(pairs: Int[Tensor, "2 p"], n: int) -> None:
    mirrored = (pairs[1] * n + pairs[0]).sort().values
    if not torch.equal(mirrored, pairs[0] * n + pairs[1]):
        reject(OWNER, "exclude", "a symmetric set of pairs", f"{pairs.size(1)} pairs")

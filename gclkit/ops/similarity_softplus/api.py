from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor
from typing_extensions import Unpack

from gclkit.ops.full_precision import full_precision
from gclkit.ops.inputs import check_alike, check_products, check_rows, check_scale, widen
from gclkit.ops.memory import plan_blocks
from gclkit.ops.options import BlockOptions, without_triton
from gclkit.ops.pairs import as_pairs
from gclkit.ops.similarity_softplus import _reference
from gclkit.ops.similarity_softplus._blockwise import SoftplusSums
from gclkit.ops.tiles import Tiling

OWNER = "similarity_softplus"


@full_precision
def similarity_softplus(
    queries: Float[Tensor, "n d"],
    keys: Float[Tensor, "m d"],
    scale: float | Float[Tensor, ""] = 1.0,
    exclude: Int[Tensor, " n"] | Int[Tensor, "2 p"] | Tensor | None = None,
    **options: Unpack[BlockOptions],
) -> Float[Tensor, " n"]:
    r"""Row-wise sum of the softplus of all pairwise similarities, without their matrix.

    .. math::
        \mathrm{out}_i = \sum_{j \notin \mathcal{E}_i}
        \log(1 + e^{s\, \mathbf{q}_i^{\top} \mathbf{k}_j})

    The negative part of Jensen-Shannon objectives. An entry that is left out contributes
    nothing. Differentiable in :obj:`queries`, :obj:`keys` and :obj:`scale`.

    Args:
        queries: Rows :math:`\mathbf{q}_i`.
        keys: Rows :math:`\mathbf{k}_j`.
        scale: Factor :math:`s`; a number or a tensor.
        exclude: Entries that are left out, as in :func:`similarity_logsumexp`.
        **options: How blocks are computed, :class:`gclkit.ops.BlockOptions`. There is no Triton
            kernel for this operation, and blocks are always recomputed.

    Returns:
        One sum per query, in fp32 (fp64 for fp64 inputs).

    Raises:
        ValueError: As :func:`similarity_logsumexp`; if ``"triton"`` is asked for.
    """
    check_rows(OWNER, "queries", queries)
    check_rows(OWNER, "keys", keys)
    check_alike(OWNER, "keys", keys, "queries", queries)
    factor = check_scale(OWNER, scale, queries)
    check_products(OWNER, "queries", queries, keys, times=factor.detach())
    n, m = queries.size(0), keys.size(0)
    pairs = None if exclude is None else as_pairs(OWNER, "exclude", exclude, n, m)
    queries, keys = widen(queries), widen(keys)
    rule = "one that exists: 'auto', 'blockwise' or 'reference'"
    chosen, product, block, *_ = plan_blocks(
        OWNER, queries, n, m, **without_triton(OWNER, rule, options)
    )
    if chosen == "reference":
        return _reference.forward(queries, keys, factor, pairs, product)
    return SoftplusSums.apply(queries, keys, factor, Tiling(block, product, exclude=pairs))

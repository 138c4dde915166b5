from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor
from typing_extensions import Unpack

from gclkit.ops.bounded_sums import MutualSums, is_bounded
from gclkit.ops.full_precision import full_precision
from gclkit.ops.inputs import check_alike, check_rows, check_scale, widen
from gclkit.ops.memory import plan_blocks
from gclkit.ops.options import BlockOptions
from gclkit.ops.pairs import as_pairs
from gclkit.ops.similarity_logsumexp.api import check_keys_left, similarity_logsumexp
from gclkit.ops.tiles import Tiling

OWNER = "mutual_logsumexp"


@full_precision
def mutual_logsumexp(
    queries: Float[Tensor, "n d"],
    keys: Float[Tensor, "m d"],
    scale: float | Float[Tensor, ""] = 1.0,
    exclude: Int[Tensor, " n"] | Int[Tensor, "2 p"] | Tensor | None = None,
    **options: Unpack[BlockOptions],
) -> tuple[Float[Tensor, " n"], Float[Tensor, " m"]]:
    r"""Log-sum-exps of the rows and of the columns of one similarity matrix.

    .. math::
        \mathrm{out}^{q}_i = \log \sum_{j} e^{s\, \mathbf{q}_i^{\top} \mathbf{k}_j}, \qquad
        \mathrm{out}^{k}_j = \log \sum_{i} e^{s\, \mathbf{q}_i^{\top} \mathbf{k}_j}

    Each block serves both directions of a CLIP-style loss. Equal to
    :func:`similarity_logsumexp` called in both directions.

    Args:
        queries: Rows :math:`\mathbf{q}_i`.
        keys: Rows :math:`\mathbf{k}_j`.
        scale: Factor :math:`s`; a number or a tensor.
        exclude: Entries ``(query, key)`` that count in neither direction, in a form that
            :func:`similarity_logsumexp` takes.
        **options: How blocks are computed, :class:`gclkit.ops.BlockOptions`.

    Returns:
        One natural logarithm per query, and one per key.

    Raises:
        ValueError: As :func:`similarity_logsumexp`.
    """
    check_rows(OWNER, "queries", queries)
    check_rows(OWNER, "keys", keys)
    check_alike(OWNER, "keys", keys, "queries", queries)
    factor = check_scale(OWNER, scale, queries)
    n, m = queries.size(0), keys.size(0)
    pairs = None
    if exclude is not None:
        pairs = as_pairs(OWNER, "exclude", exclude, n, m)
        check_keys_left(OWNER, pairs, n, m)
        check_keys_left(OWNER, pairs.flip(0), m, n)

    wide = widen(queries), widen(keys)
    chosen, product, block, keep, workers = plan_blocks(OWNER, wide[0], n, m, **options)
    if chosen == "blockwise" and is_bounded(*wide, factor, None):
        tiling = Tiling(block, product, keep, exclude=pairs, workers=workers)
        return MutualSums.apply(*wide, factor, tiling)
    forth = similarity_logsumexp(queries, keys, factor, None, pairs, **options)
    flipped = None if pairs is None else pairs.flip(0)
    return forth, similarity_logsumexp(keys, queries, factor, None, flipped, **options)

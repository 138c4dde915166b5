from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor

from gclkit.checks import reject
from gclkit.ops.backend import choose_backend
from gclkit.ops.full_precision import full_precision
from gclkit.ops.inputs import (
    accumulator,
    check_alike,
    check_products,
    check_rows,
    check_scale,
    operand,
)
from gclkit.ops.memory import plan_blocks
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
    *,
    precision: str = "float32",
    backend: str = "auto",
    memory_budget: float | None = None,
    block_rows: int | None = None,
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
        precision: As in :func:`similarity_logsumexp`.
        backend: ``"auto"`` and ``"blockwise"`` are plain PyTorch, ``"reference"`` is the
            definition; there is no Triton kernel for this operation.
        memory_budget: As in :func:`similarity_logsumexp`; blocks are always recomputed.
        block_rows: As in :func:`similarity_logsumexp`.

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
    if backend == "triton":
        reject(OWNER, "backend", "one that exists: 'auto', 'blockwise' or 'reference'", backend)
    n, m = queries.size(0), keys.size(0)
    pairs = None if exclude is None else as_pairs(OWNER, "exclude", exclude, n, m)
    product = operand(OWNER, precision, queries.dtype, queries.device)
    sums = accumulator(queries.dtype)
    queries, keys = queries.to(sums), keys.to(sums)
    chosen = choose_backend(OWNER, "blockwise" if backend == "auto" else backend, queries)
    block, *_ = plan_blocks(
        OWNER,
        queries,
        n,
        m,
        operand=product,
        block_rows=block_rows,
        memory_budget=memory_budget,
        backend=chosen,
    )
    if chosen == "reference":
        return _reference.forward(queries, keys, factor, pairs, product, sums)
    return SoftplusSums.apply(queries, keys, factor, Tiling(block, product, exclude=pairs))

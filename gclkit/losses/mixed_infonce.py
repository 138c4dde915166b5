from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.checkpoint import checkpoint
from typing_extensions import Unpack

from gclkit.checks import check_count, reject, reject_size
from gclkit.losses.budget import plan_calls
from gclkit.losses.softplus import softplus
from gclkit.losses.temperature import as_number, check_temperature
from gclkit.losses.two_view import draw
from gclkit.losses.views import cosine_weights, unit_views, zero_loss
from gclkit.ops import BlockOptions, self_logsumexp
from gclkit.ops.full_precision import full_precision
from gclkit.ops.options import check_options

# Rows [n] alive at once for each row of mixed negatives: similarities, weights, what is sorted
# out of them, and their gradients.
LIVE_ROWS = 10


@full_precision
def mixed_infonce(
    z1: Float[Tensor, "n d"],
    z2: Float[Tensor, "n d"],
    weight: Callable[[Tensor], Tensor],
    *,
    mixed: int,
    temperature: float | Float[Tensor, ""] = 0.5,
    generator: torch.Generator | None = None,
    **options: Unpack[BlockOptions],
) -> Float[Tensor, ""]:
    r"""The mix variant of ProGCL (`arXiv:2110.02027 <https://arxiv.org/abs/2110.02027>`_): the
    objective of :func:`infonce` with further negatives, mixed of those of largest weight.

    The :obj:`mixed` negatives :math:`a` of largest :math:`w(s_{ia})` of each row of the
    cross-view block are paired with a random permutation :math:`b` of themselves; the terms
    :math:`e^{\tilde s/\tau}` of

    .. math:: \tilde s = \frac{w_a s_a + w_b s_b}{w_a + w_b}

    are added to the denominator. Blocks of rows are computed twice instead of being kept.

    Args:
        z1: Embeddings of the first view; no row is zero.
        z2: Embeddings of the second view, row by row of the same nodes.
        weight: The factor :math:`w > 0` as an element-wise function of the cosine, which lies in
            [-1, 1] in spite of rounding; it is not differentiated.
        mixed: Number of mixed negatives per row; no more than there are negatives.
        temperature: Temperature :math:`\tau > 0`, a number or a tensor, which may be learned.
        generator: Source of the permutation. (default: the global generator)
        **options: How blocks are computed, :class:`gclkit.ops.BlockOptions`; the rows of the
            mixed negatives are computed in full precision in any case.

    Returns:
        A scalar in nats, in fp32 (fp64 for fp64 inputs).

    Raises:
        ValueError: As :func:`infonce`; if the weights of two negatives that are mixed are 0, or
            one of them is below; if :obj:`weight` is not element-wise.
    """
    owner = "mixed_infonce"
    check_count(owner, "mixed", mixed)
    u1, u2, scale = unit_views(owner, z1, z2, temperature)
    n = u1.size(0)
    if n == 1:
        return zero_loss(u1, u2)
    pair = draw(torch.arange(min(mixed, n - 1), device=u1.device), n, generator)
    options = plan_calls(owner, u1, 2 * n, 2 * n, nodes=n, calls=2, **options)
    itemsize, budget = u1.element_size(), options.get("memory_budget")
    block = options.get("block_rows") or rows_at_once(owner, n, itemsize, budget)
    twin = torch.arange(2 * n, device=u1.device).roll(n)
    rest = self_logsumexp(torch.cat([u1, u2]), scale, None, twin, **options)
    added = torch.cat(
        [
            checkpoint(
                _mixed_rows,
                here,
                there,
                rows,
                pair,
                scale,
                weight,
                use_reentrant=False,
                preserve_rng_state=False,
            )
            for here, there in ((u1, u2), (u2, u1))
            for rows in torch.arange(n, device=u1.device).split(block)
        ]
    )
    positive = scale * (u1 * u2).sum(dim=1).repeat(2)
    return softplus(torch.logaddexp(rest, added) - positive).mean()


class MixedInfoNCE(torch.nn.Module):
    """The settings of :func:`mixed_infonce`.

    Args:
        weight: As in :func:`mixed_infonce`.
        mixed: As in :func:`mixed_infonce`.
        temperature: As in :func:`mixed_infonce`.
        generator: As in :func:`mixed_infonce`.
        **options: As in :func:`mixed_infonce`.
    """

    def __init__(
        self,
        weight: Callable[[Tensor], Tensor],
        *,
        mixed: int,
        temperature: float | Float[Tensor, ""] = 0.5,
        generator: torch.Generator | None = None,
        **options: Unpack[BlockOptions],
    ) -> None:
        super().__init__()
        self.weight = weight
        self.mixed = check_count("MixedInfoNCE", "mixed", mixed)
        self.temperature = check_temperature("MixedInfoNCE", temperature)
        self.generator = generator
        self.options = check_options("MixedInfoNCE", **options)

    def forward(self, z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
        return mixed_infonce(
            z1,
            z2,
            self.weight,
            mixed=self.mixed,
            temperature=self.temperature,
            generator=self.generator,
            **self.options,
        )

    def extra_repr(self) -> str:
        return f"mixed={self.mixed}, temperature={as_number(self.temperature)}"


def rows_at_once(owner: str, n: int, itemsize: int, memory_budget: float | None) -> int:
    """How many rows of mixed negatives are made at once, of :data:`LIVE_ROWS` times ``n`` entries.

    Raises:
        ValueError: If one does not fit into the budget.
    """
    block = max(1, min(n, 2**22 // n))
    if memory_budget is None:
        return block
    fits = int(memory_budget / (LIVE_ROWS * n * itemsize))
    if fits == 0:
        needed = 2.0 * LIVE_ROWS * n * itemsize
        reject_size(owner, needed, f"n={n}", "use a larger memory_budget")
    return min(block, fits)


def _mixed_rows(
    here: Float[Tensor, "n d"],
    there: Float[Tensor, "n d"],
    rows: Int[Tensor, " b"],
    pair: Int[Tensor, " k"],
    scale: float | Tensor,
    weight: Callable[[Tensor], Tensor],
) -> Float[Tensor, " b"]:
    """The log-sum-exp of the mixed negatives of a block of rows."""
    similarity = here[rows] @ there.T
    with torch.no_grad():
        weights = cosine_weights("mixed_infonce", weight, similarity.clone()).to(similarity.dtype)
        top = weights.scatter(1, rows[:, None], -torch.inf).topk(pair.numel(), dim=1)
        share = top.values / (top.values + top.values[:, pair])
        wrong = ~share.isfinite() | (top.values < 0)
        if bool(wrong.any()):
            rule = "at least 0 and finite, and positive for one of two negatives that are mixed"
            reject("mixed_infonce", "weight", rule, float(top.values[wrong][0]))
    hard = similarity.gather(1, top.indices)
    return (scale * (share * hard + (1 - share) * hard[:, pair])).logsumexp(dim=1)

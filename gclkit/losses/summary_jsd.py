from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor
from typing_extensions import Unpack

from gclkit.checks import check_indices, check_same_shape, check_tensor, reject
from gclkit.losses.budget import plan_calls
from gclkit.losses.softplus import softplus
from gclkit.ops import BlockOptions, similarity_softplus
from gclkit.ops.full_precision import full_precision
from gclkit.ops.inputs import check_alike, check_products, check_rows, widen
from gclkit.ops.options import check_options


@full_precision
def summary_jsd(
    z: Float[Tensor, "n d"],
    summary: Float[Tensor, "g d"],
    *,
    corrupted: Float[Tensor, "n d"] | None = None,
    membership: Int[Tensor, " n"] | None = None,
    **options: Unpack[BlockOptions],
) -> Float[Tensor, ""]:
    r"""The negated Jensen-Shannon estimate between nodes and the summary of their graph, as in
    DGI (`arXiv:1809.10341 <https://arxiv.org/abs/1809.10341>`_, Eq. 1) and InfoGraph
    (`arXiv:1908.01000 <https://arxiv.org/abs/1908.01000>`_, Eq. 4).

    .. math::
        \mathcal{L} = \operatorname{mean}_{+} \mathrm{sp}(-\mathbf{z}_i^{\top} \mathbf{s})
        + \operatorname{mean}_{-} \mathrm{sp}(\mathbf{z}_i^{\top} \mathbf{s}) - 2 \log 2

    Positive: each node with the summary of its own graph. Negative: with :obj:`corrupted`
    (DGI) the corrupted node with that summary, else (InfoGraph) each node with the summaries
    of all other graphs. DGI's binary cross-entropy is ``loss / 2 + log 2``.

    Args:
        z: Node embeddings.
        summary: One row per graph; a bilinear discriminator is applied to it by the caller.
        corrupted: Node embeddings of the corrupted graph, row by row.
        membership: Graph of each node. (default: all nodes belong to the only graph)
        **options: How blocks are computed, :class:`gclkit.ops.BlockOptions`.

    Returns:
        A scalar in nats, in fp32 (fp64 for fp64 inputs).

    Raises:
        ValueError: If shapes do not fit, an input is not finite or so large that scores
            overflow, or there is neither a corrupted graph nor a second one.
    """
    owner = "summary_jsd"
    check_rows(owner, "z", z)
    check_rows(owner, "summary", summary)
    check_alike(owner, "summary", summary, "z", z)
    membership = _check_membership(owner, membership, z, summary.size(0))
    check_products(owner, "summary", summary, z)
    own = widen(summary)[membership]
    positive = softplus(-(widen(z) * own).sum(dim=1)).mean()
    if corrupted is not None:
        check_rows(owner, "corrupted", corrupted)
        check_same_shape(owner, "corrupted", corrupted, "z", z)
        check_products(owner, "corrupted", corrupted, summary)
        negative = softplus((widen(corrupted) * own).sum(dim=1)).mean()
    else:
        graphs = summary.size(0)
        if graphs < 2:
            reject(owner, "summary", "of two graphs or more without 'corrupted'", graphs)
        options = plan_calls(owner, widen(z), z.size(0), graphs, nodes=z.size(0), **options)
        total = similarity_softplus(z, summary, 1.0, membership, **options).sum()
        negative = total / (z.size(0) * (graphs - 1))
    return positive + negative - 2 * math.log(2)


def _check_membership(owner: str, membership: Tensor | None, z: Tensor, graphs: int) -> Tensor:
    if membership is None:
        if graphs != 1:
            reject(owner, "membership", f"given for {graphs} graphs", membership)
        return torch.zeros(z.size(0), dtype=torch.int64, device=z.device)
    check_tensor(owner, "membership", membership)
    if tuple(membership.shape) != (z.size(0),) or membership.dtype != torch.int64:
        got = f"{membership.dtype} of shape {tuple(membership.shape)}"
        reject(owner, "membership", f"int64 of shape ({z.size(0)},)", got)
    return check_indices(owner, "membership", membership, graphs, "indices")


class SummaryJSD(torch.nn.Module):
    """The settings of :func:`summary_jsd`.

    Args:
        **options: As in :func:`summary_jsd`.
    """

    def __init__(self, **options: Unpack[BlockOptions]) -> None:
        super().__init__()
        self.options = check_options("SummaryJSD", **options)

    def forward(
        self,
        z: Float[Tensor, "n d"],
        summary: Float[Tensor, "g d"],
        *,
        corrupted: Float[Tensor, "n d"] | None = None,
        membership: Int[Tensor, " n"] | None = None,
    ) -> Float[Tensor, ""]:
        return summary_jsd(z, summary, corrupted=corrupted, membership=membership, **self.options)

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from typing_extensions import Unpack

from gclkit.checks import check_tensor, reject
from gclkit.losses.budget import plan_calls
from gclkit.losses.positives import (
    check_positives,
    mean_over_positives,
    partner_pairs,
    positive_counts,
    sole_positives,
)
from gclkit.losses.softplus import softplus
from gclkit.losses.temperature import as_number, check_temperature, inverse_temperature
from gclkit.losses.views import unit_rows, zero_loss
from gclkit.ops import BlockOptions, self_logsumexp
from gclkit.ops.full_precision import full_precision
from gclkit.ops.inputs import check_rows
from gclkit.ops.options import check_options


@full_precision
def supervised_contrast(
    z: Float[Tensor, "n d"],
    *,
    labels: Int[Tensor, " n"] | None = None,
    positives: Int[Tensor, "2 p"] | None = None,
    temperature: float | Float[Tensor, ""] = 0.1,
    **options: Unpack[BlockOptions],
) -> Float[Tensor, ""]:
    r"""Supervised contrast (`arXiv:2004.11362 <https://arxiv.org/abs/2004.11362>`_, Eq. 2):
    the mean log-probability of an anchor's positives among all other rows.

    .. math::
        \ell_i = \log \sum_{a \ne i} e^{s_{ia}/\tau}
        - \frac{1}{|P(i)|} \sum_{p \in P(i)} \frac{s_{ip}}{\tau}

    Positives are all rows of the anchor's class, or the given pairs. The pairs of a class are
    never listed: their mean is taken from the class sum, in :math:`O(n d)`.

    Args:
        z: Embeddings, two or more; no row is zero. Stack the views to contrast two.
        labels: Class of each row; a negative label is unknown. Rows with an unknown label
            are negatives only: give test nodes such a label, or their labels leak.
        positives: Pairs ``(anchor, positive)`` instead of labels, such as edges.
        temperature: Temperature :math:`\tau > 0`, a number or a tensor, which may be learned.
        **options: How blocks are computed, :class:`gclkit.ops.BlockOptions`.

    Returns:
        Mean over the anchors with a positive, in nats; 0 if there is none.

    Raises:
        ValueError: As :func:`gclkit.losses.infonce`; unless exactly one of :obj:`labels` and
            :obj:`positives` is given; if a row is its own positive.
    """
    owner = "supervised_contrast"
    check_rows(owner, "z", z, at_least=2)
    scale = inverse_temperature(owner, temperature)
    if (labels is None) == (positives is None):
        given = "both" if labels is not None else "neither"
        reject(owner, "labels", "given, or 'positives' instead of it", given)
    u = unit_rows(owner, "z", z)
    if labels is not None:
        mean, counts, partner = _class_positives(owner, labels, u)
    else:
        assert positives is not None  # For the type checker: the check above has seen to it.
        positives = check_positives(owner, positives, u.size(0))
        if bool((positives[0] == positives[1]).any()):
            reject(owner, "positives", "pairs of two different rows", "a row paired with itself")
        mean, counts = mean_over_positives(positives, u), positive_counts(positives, u.size(0))
        partner = sole_positives(positives, u.size(0))
    index = counts.nonzero()[:, 0]
    if index.numel() == 0 or u.size(0) == 2:  # Of two rows, the other one is the only term.
        return zero_loss(u)
    options = plan_calls(owner, u, len(u), len(u), nodes=len(u), **options)
    others = self_logsumexp(u, scale, None, partner_pairs(partner), **options)
    gap = others - scale * (u * mean).sum(dim=1)
    return torch.where(partner >= 0, softplus(gap), gap)[index].mean()


def _class_positives(
    owner: str, labels: Tensor, u: Float[Tensor, "n d"]
) -> tuple[Float[Tensor, "n d"], Int[Tensor, " n"], Int[Tensor, " n"]]:
    """The mean positive of each row, the number of them, and the only one where it is one."""
    check_tensor(owner, "labels", labels)
    if tuple(labels.shape) != (u.size(0),) or labels.dtype not in (torch.int64, torch.int32):
        got = f"{labels.dtype} of shape {tuple(labels.shape)}"
        reject(owner, "labels", f"integers of shape ({u.size(0)},)", got)
    known, (names, membership) = labels >= 0, torch.unique(labels, return_inverse=True)
    sums = u.new_zeros(names.numel(), u.size(1)).index_add(0, membership, u)
    sizes = torch.bincount(membership, minlength=names.numel())
    counts = torch.where(known, sizes[membership] - 1, 0)
    mean = (sums[membership] - u) / counts.clamp(min=1)[:, None].to(u.dtype)
    couples = (counts == 1).nonzero()[:, 0]
    couples = couples[membership[couples].argsort(stable=True)].view(-1, 2)
    partner = torch.full_like(counts, -1)
    partner[couples] = couples.flip(1)
    return mean, counts, partner


class SupervisedContrast(torch.nn.Module):
    """The settings of :func:`supervised_contrast`.

    Args:
        temperature: As in :func:`supervised_contrast`.
        **options: As in :func:`supervised_contrast`.
    """

    def __init__(
        self, temperature: float | Float[Tensor, ""] = 0.1, **options: Unpack[BlockOptions]
    ) -> None:
        super().__init__()
        self.temperature = check_temperature("SupervisedContrast", temperature)
        self.options = check_options("SupervisedContrast", **options)

    def forward(
        self,
        z: Float[Tensor, "n d"],
        *,
        labels: Int[Tensor, " n"] | None = None,
        positives: Int[Tensor, "2 p"] | None = None,
    ) -> Float[Tensor, ""]:
        return supervised_contrast(
            z, labels=labels, positives=positives, temperature=self.temperature, **self.options
        )

    def extra_repr(self) -> str:
        return f"temperature={as_number(self.temperature)}"

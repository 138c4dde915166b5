"""How high the true edges stand among the others: AUC, AP, Hits@K, MRR."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gclkit.checks import check_count, check_finite, reject


def _checked(owner: str, positive: Tensor, negative: Tensor) -> tuple[Tensor, Tensor]:
    for name, scores in (("positive", positive), ("negative", negative)):
        if scores.dim() != 1 or scores.numel() == 0:
            reject(owner, name, "a row of one score or more", tuple(scores.shape))
        check_finite(owner, name, scores)
    return positive.double(), negative.double()


def auc(positive: Float[Tensor, " p"], negative: Float[Tensor, " q"]) -> float:
    """Probability that a positive scores above a negative; a tie counts one half."""
    positive, negative = _checked("auc", positive, negative)
    ordered = negative.sort().values
    below = torch.searchsorted(ordered, positive)
    up_to = torch.searchsorted(ordered, positive, right=True)
    return float((below + up_to).double().mean() / (2 * len(negative)))


def average_precision(positive: Float[Tensor, " p"], negative: Float[Tensor, " q"]) -> float:
    r"""Mean over the positives of the precision at their score, :math:`\sum_k (R_k - R_{k-1}) P_k`.

    Equal scores enter together, as in scikit-learn.
    """
    positive, negative = _checked("average_precision", positive, negative)
    at_least = len(positive) - torch.searchsorted(positive.sort().values, positive)
    others = len(negative) - torch.searchsorted(negative.sort().values, positive)
    return float((at_least / (at_least + others).double()).mean())


def hits_at(positive: Float[Tensor, " p"], negative: Float[Tensor, " q"], k: int) -> float:
    """Share of the positives above the k-th best negative; 1 with fewer than k negatives.

    As in the Open Graph Benchmark: a tie with that negative is a miss.
    """
    positive, negative = _checked("hits_at", positive, negative)
    check_count("hits_at", "k", k)
    if len(negative) < k:
        return 1.0
    return float((positive > negative.topk(k).values[-1]).double().mean())


def mean_reciprocal_rank(positive: Float[Tensor, " p"], negative: Float[Tensor, " q"]) -> float:
    """Mean of 1 / rank of each positive among all negatives; ties take the middle rank."""
    positive, negative = _checked("mean_reciprocal_rank", positive, negative)
    ordered = negative.sort().values
    above = len(ordered) - torch.searchsorted(ordered, positive, right=True)
    level = len(ordered) - torch.searchsorted(ordered, positive)
    return float((1 / (1 + (above + level).double() / 2)).mean())


def ranking_scores(
    positive: Float[Tensor, " p"], negative: Float[Tensor, " q"]
) -> dict[str, float]:
    """All of them: ``auc``, ``ap``, ``hits@10``, ``hits@50``, ``hits@100``, ``mrr``."""
    return {
        "auc": auc(positive, negative),
        "ap": average_precision(positive, negative),
        **{f"hits@{k}": hits_at(positive, negative, k) for k in (10, 50, 100)},
        "mrr": mean_reciprocal_rank(positive, negative),
    }

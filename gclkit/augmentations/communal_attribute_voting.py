"""Feature masking guided by community strength."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform

from gclkit.augmentations.feature_mask import mask_features, scored_features
from gclkit.checks import check_floats, check_probability


def communal_drop_probability(
    score: Float[Tensor, " f"], p: float, *, threshold: float = 1.0
) -> Float[Tensor, " f"]:
    r"""Probability of masking each feature, smaller where strong communities use it.

    .. math::
        w = \frac{\max \log v - \log v}{\max \log v - \min \log v}, \qquad
        \min\left( \frac{w}{\bar w}\, p,\; \mathrm{thr} \right)

    From CSGCL (`arXiv:2305.04658 <https://arxiv.org/abs/2305.04658>`_), communal attribute
    voting. Probabilities cut off at the threshold are not given to other features, so that
    less than the share :obj:`p` is masked. Unused features (:math:`v = 0`) count as the
    best voted; negative votes, from communities below strength 0, count as the smallest
    positive one. Without a positive vote, with a NaN among them, or where all votes agree,
    masking is uniform.

    Args:
        score: Votes :math:`v`, from :func:`~gclkit.communities.feature_scores`.
        p: Wanted mask rate, in [0, 1].
        threshold: Largest mask probability, in [0, 1].

    Raises:
        ValueError: If :obj:`p` or :obj:`threshold` is not a probability.
    """
    owner = "communal_drop_probability"
    check_floats(owner, "score", score, dims=1)
    check_probability(owner, "p", p)
    check_probability(owner, "threshold", threshold)
    if score.numel() == 0:
        return score
    # Branches are chosen by torch.where: reading a value would stall the training step.
    smallest = torch.where(score > 0, score, torch.inf).min()
    vote = torch.where(score == 0, score.max(), score).clamp(min=smallest).log()
    spread = vote.max() - vote.min()
    weight = (vote.max() - vote) / spread
    drop = (weight / weight.mean() * p).clamp(0, threshold)
    # Votes that differ by rounding are equal.
    equal = spread <= 16 * torch.finfo(vote.dtype).eps * vote.abs().max().clamp(min=1)
    return torch.where(drop.isnan() | equal, torch.full_like(drop, min(p, threshold)), drop)


class CommunalAttributeVoting(BaseTransform):
    r"""Masks feature columns, those that strong communities use least first (CAV).

    From "CSGCL: Community-Strength-Enhanced Graph Contrastive Learning"
    (`arXiv:2305.04658 <https://arxiv.org/abs/2305.04658>`_); the probabilities are those
    of :func:`communal_drop_probability`. Reads ``feature_score``, written by
    :class:`~gclkit.communities.AddCommunities`, so that a batch of a graph is treated like
    the graph; a batch of several graphs is refused. The columns kept are written
    to ``feature_keep`` [1, f].

    Args:
        p: Wanted mask rate, in [0, 1].
        threshold: Largest mask probability, in [0, 1].
        generator: Source of randomness, on the device of the graph. Leave it out where worker
            processes call the transform: each draws from a copy of the same state, in every
            epoch anew. (default: the global generator)
        fold: As in :class:`~gclkit.augmentations.FeatureMask`.
    """

    def __init__(
        self,
        p: float,
        *,
        threshold: float = 1.0,
        generator: torch.Generator | None = None,
        fold: bool = False,
    ) -> None:
        self.p = check_probability("CommunalAttributeVoting", "p", p)
        self.threshold = check_probability("CommunalAttributeVoting", "threshold", threshold)
        self.generator = generator
        self.fold = fold

    def forward(self, data: Data) -> Data:
        score = scored_features(
            "CommunalAttributeVoting", data, "feature_score", "gclkit.communities.AddCommunities"
        )
        drop = communal_drop_probability(score, self.p, threshold=self.threshold)
        return mask_features(data, drop, self.generator, fold=self.fold)

    def __repr__(self) -> str:
        return f"CommunalAttributeVoting(p={self.p}, threshold={self.threshold})"

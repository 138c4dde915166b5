"""Edge dropping guided by community strength."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform

from gclkit.augmentations.edge_drop import edge_coins, keep_edges, scored_edges
from gclkit.checks import check_floats, check_probability


def communal_keep_probability(
    score: Float[Tensor, " e"],
    p: float,
    *,
    threshold: float = 1.0,
    mean: Float[Tensor, "*e"] | None = None,
) -> Float[Tensor, " e"]:
    r"""Probability of keeping each edge, larger inside strong communities.

    .. math:: \mathrm{clamp}\left( \frac{e}{\bar e} (1 - p),\; 1 - \mathrm{thr},\; 1 \right)

    From CSGCL (`arXiv:2305.04658 <https://arxiv.org/abs/2305.04658>`_), communal edge
    dropping. Probabilities cut off at 1 are not given to other edges, so that more than
    the share :obj:`p` is dropped. No score is looked at, which would wait for the device: where
    :math:`\bar e` is NaN or not positive dropping is uniform; with a given mean a NaN stays one.

    Args:
        score: Edge scores in [0, 1], from :func:`~gclkit.communities.edge_scores`.
        p: Wanted drop rate, in [0, 1].
        threshold: Largest drop probability, in [0, 1].
        mean: Mean score of the whole graph, where :obj:`score` is a part of it; one per edge where
            edges are of several graphs.

    Raises:
        ValueError: If :obj:`p` or :obj:`threshold` is not a probability.
    """
    owner = "communal_keep_probability"
    check_floats(owner, "score", score, dims=1)
    check_probability(owner, "p", p)
    check_probability(owner, "threshold", threshold)
    mean = score.mean() if mean is None else mean
    uniform = torch.full_like(score, 1 - p)
    scaled = score / torch.where(mean > 0, mean, torch.ones_like(mean)) * (1 - p)
    return torch.where(mean > 0, scaled, uniform).clamp(1 - threshold, 1)


class CommunalEdgeDropping(BaseTransform):
    r"""Drops edges, those between and in weak communities first (CED).

    From "CSGCL: Community-Strength-Enhanced Graph Contrastive Learning"
    (`arXiv:2305.04658 <https://arxiv.org/abs/2305.04658>`_); the probabilities are those
    of :func:`communal_keep_probability`. Reads ``edge_score`` and ``edge_score_mean``,
    written by :class:`~gclkit.communities.AddCommunities`, so that a batch of a graph, or of
    several, is treated like the graph. The realised rate is written to ``edge_drop_rate``.

    Args:
        p: Wanted drop rate, in [0, 1].
        threshold: Largest drop probability, in [0, 1].
        symmetric: Whether both directions of an edge share one coin. The paper tosses one
            coin per direction, which is the default.
        generator: Source of randomness, on the device of the graph. Leave it out where worker
            processes call the transform: each draws from a copy of the same state, in every
            epoch anew. (default: the global generator)
    """

    def __init__(
        self,
        p: float,
        *,
        threshold: float = 1.0,
        symmetric: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        self.p = check_probability("CommunalEdgeDropping", "p", p)
        self.threshold = check_probability("CommunalEdgeDropping", "threshold", threshold)
        self.symmetric = symmetric
        self.generator = generator

    def forward(self, data: Data) -> Data:
        score, mean = scored_edges(
            "CommunalEdgeDropping", data, "edge_score", "gclkit.communities.AddCommunities"
        )
        keep_probability = communal_keep_probability(
            score, self.p, threshold=self.threshold, mean=mean
        )
        coins = edge_coins(
            "CommunalEdgeDropping", data, symmetric=self.symmetric, generator=self.generator
        )
        return keep_edges(data, coins < keep_probability)

    def __repr__(self) -> str:
        return (
            f"CommunalEdgeDropping(p={self.p}, threshold={self.threshold}, "
            f"symmetric={self.symmetric})"
        )

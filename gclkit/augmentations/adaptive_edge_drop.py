"""Edge dropping guided by centrality."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform

from gclkit.augmentations.edge_drop import edge_coins, keep_edges, scored_edges
from gclkit.checks import check_floats, check_probability


def adaptive_drop_probability(
    weight: Float[Tensor, " k"],
    p: float,
    *,
    threshold: float = 0.7,
    mean: Float[Tensor, "*k"] | None = None,
) -> Float[Tensor, " k"]:
    r"""Probability of dropping each edge or feature, larger where the weight is.

    .. math:: \min\left( \frac{w}{\bar w}\, p,\; \mathrm{thr} \right)

    From GCA (`arXiv:2010.14945 <https://arxiv.org/abs/2010.14945>`_). Probabilities cut off
    at the threshold are not given to others, so that less than the share :obj:`p` is dropped.
    No weight is looked at, which would wait for the device: where :math:`\bar w` is NaN or not
    positive dropping is uniform; with a given mean a NaN stays one.

    Args:
        weight: Weights, 0 or more, from :func:`~gclkit.augmentations.drop_weight`.
        p: Wanted drop rate, in [0, 1].
        threshold: Largest drop probability, in [0, 1].
        mean: Mean weight of the whole graph, where :obj:`weight` is a part of it; one per edge
            where edges are of several graphs.

    Raises:
        ValueError: If :obj:`p` or :obj:`threshold` is not a probability.
    """
    owner = "adaptive_drop_probability"
    check_floats(owner, "weight", weight, dims=1)
    check_probability(owner, "p", p)
    check_probability(owner, "threshold", threshold)
    mean = weight.mean() if mean is None else mean
    scaled = weight / torch.where(mean > 0, mean, torch.ones_like(mean)) * p
    return torch.where(mean > 0, scaled, torch.full_like(weight, p)).clamp(0, threshold)


class AdaptiveEdgeDrop(BaseTransform):
    r"""Drops edges, those into the least central nodes first.

    From "Graph Contrastive Learning with Adaptive Augmentation" (GCA, `arXiv:2010.14945
    <https://arxiv.org/abs/2010.14945>`_); the probabilities are those of
    :func:`adaptive_drop_probability`. Reads ``edge_drop_weight`` and
    ``edge_drop_weight_mean``, written by :class:`~gclkit.augmentations.AddCentrality`, so
    that a batch of a graph, or of several, is treated like the graph. The realised rate is
    written to ``edge_drop_rate``.

    Args:
        p: Wanted drop rate, in [0, 1].
        threshold: Largest drop probability, in [0, 1].
        symmetric: Whether both directions of an edge share one coin, and the mean of their
            probabilities. The paper tosses one coin per direction, which is the default.
        generator: Source of randomness, on the device of the graph. Leave it out where worker
            processes call the transform: each draws from a copy of the same state, in every
            epoch anew. (default: the global generator)
    """

    def __init__(
        self,
        p: float,
        *,
        threshold: float = 0.7,
        symmetric: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        self.p = check_probability("AdaptiveEdgeDrop", "p", p)
        self.threshold = check_probability("AdaptiveEdgeDrop", "threshold", threshold)
        self.symmetric = symmetric
        self.generator = generator

    def forward(self, data: Data) -> Data:
        weight, mean = scored_edges(
            "AdaptiveEdgeDrop", data, "edge_drop_weight", "gclkit.augmentations.AddCentrality"
        )
        drop = adaptive_drop_probability(weight, self.p, threshold=self.threshold, mean=mean)
        if self.symmetric:
            drop = _mean_of_both_directions(data, drop)
        coins = edge_coins(
            "AdaptiveEdgeDrop", data, symmetric=self.symmetric, generator=self.generator
        )
        return keep_edges(data, coins >= drop)

    def __repr__(self) -> str:
        return (
            f"AdaptiveEdgeDrop(p={self.p}, threshold={self.threshold}, symmetric={self.symmetric})"
        )


def _mean_of_both_directions(data: Data, value: Float[Tensor, " e"]) -> Float[Tensor, " e"]:
    low, high = data.edge_index.sort(dim=0).values
    pairs, pair, count = torch.unique(
        low * data.num_nodes + high, return_inverse=True, return_counts=True
    )
    total = value.new_zeros(pairs.numel()).index_add(0, pair, value)
    return (total / count)[pair]

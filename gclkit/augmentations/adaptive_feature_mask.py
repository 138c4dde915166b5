"""Feature masking guided by centrality."""

from __future__ import annotations

import torch
from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform

from gclkit.augmentations.adaptive_edge_drop import adaptive_drop_probability
from gclkit.augmentations.feature_mask import mask_features, scored_features
from gclkit.checks import check_probability


class AdaptiveFeatureMask(BaseTransform):
    r"""Masks feature columns, those that central nodes use least first.

    From "Graph Contrastive Learning with Adaptive Augmentation" (GCA, `arXiv:2010.14945
    <https://arxiv.org/abs/2010.14945>`_); the probabilities are those of
    :func:`~gclkit.augmentations.adaptive_drop_probability`. Reads ``feature_drop_weight``,
    written by :class:`~gclkit.augmentations.AddCentrality`, so that a batch of a graph is
    treated like the graph; a batch of several graphs is refused. The columns kept are
    written to ``feature_keep`` [1, f].

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
        threshold: float = 0.7,
        generator: torch.Generator | None = None,
        fold: bool = False,
    ) -> None:
        self.p = check_probability("AdaptiveFeatureMask", "p", p)
        self.threshold = check_probability("AdaptiveFeatureMask", "threshold", threshold)
        self.generator = generator
        self.fold = fold

    def forward(self, data: Data) -> Data:
        weight = scored_features(
            "AdaptiveFeatureMask", data, "feature_drop_weight", "gclkit.augmentations.AddCentrality"
        )
        drop = adaptive_drop_probability(weight, self.p, threshold=self.threshold)
        return mask_features(data, drop, self.generator, fold=self.fold)

    def __repr__(self) -> str:
        return f"AdaptiveFeatureMask(p={self.p}, threshold={self.threshold})"

"""GCA."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch_geometric.data import Data

from gclkit.augmentations import AdaptiveEdgeDrop, AdaptiveFeatureMask, AddCentrality
from gclkit.methods.augmented_views import check_pair, view_pair
from gclkit.methods.two_view import TwoViewContrast


class GCA(TwoViewContrast):
    r"""GCA: what is central is kept, contrasted with InfoNCE.

    From "Graph Contrastive Learning with Adaptive Augmentation" (`arXiv:2010.14945
    <https://arxiv.org/abs/2010.14945>`_): edges and features are dropped with
    probabilities that fall with the centrality of the nodes that they touch. As in the
    authors' code, each direction of an edge is dropped on its own and its "PageRank" is a
    lazy walk without teleport; the real one is ``"true_pagerank"``. Where that code divides
    0 by 0, on regular graphs and empty columns, dropping is uniform here (see
    :func:`~gclkit.augmentations.drop_weight`).

    Args:
        in_channels: Width of the features.
        edge_p: Wanted rate of edge dropping, one per view.
        feature_p: Wanted rate of feature masking, one per view.
        centrality: ``"degree"``, ``"pagerank"``, ``"true_pagerank"`` or ``"eigenvector"``.
        threshold: Largest drop probability of an edge or a feature.
        absolute_features: Whether a feature counts by its absolute value, for dense
            features, instead of counting where it is not 0.
        symmetric: Whether both directions of an edge are dropped together.
        options: Arguments of :class:`~gclkit.methods.two_view.TwoViewContrast`.

    Raises:
        ValueError: For rates that are not two probabilities, and as the parts say.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        edge_p: Sequence[float] = (0.3, 0.5),
        feature_p: Sequence[float] = (0.1, 0.1),
        centrality: str = "degree",
        threshold: float = 0.7,
        absolute_features: bool = False,
        symmetric: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(in_channels, **options)
        owner = type(self).__name__
        edge_p = check_pair(owner, "edge_p", edge_p)
        feature_p = check_pair(owner, "feature_p", feature_p)
        self.centrality = AddCentrality(centrality, absolute_features=absolute_features)
        self.augmentations = view_pair(
            (AdaptiveEdgeDrop(p, threshold=threshold, symmetric=symmetric) for p in edge_p),
            (AdaptiveFeatureMask(p, threshold=threshold, fold=True) for p in feature_p),
        )

    def prepare(self, data: Data, generator: torch.Generator | None = None) -> Data:
        return self.centrality(super().prepare(data, generator))

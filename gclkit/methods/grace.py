"""GRACE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gclkit.augmentations import BudgetedEdgeDrop, EdgeDrop, FeatureMask
from gclkit.checks import check_choice
from gclkit.methods.augmented_views import check_pair, view_pair
from gclkit.methods.two_view import TwoViewContrast


class GRACE(TwoViewContrast):
    r"""GRACE: uniform edge dropping and feature masking, contrasted with InfoNCE.

    From "Deep Graph Contrastive Representation Learning" (`arXiv:2006.04131
    <https://arxiv.org/abs/2006.04131>`_). As in the authors' code, the hidden layer is
    twice as wide as the output, an activation follows every layer and each direction of an
    edge is dropped on its own. The learning rate warm-up, the choice of one coin per
    undirected edge and ``anchors`` are additions.

    Args:
        in_channels: Width of the features.
        edge_p: Probability of dropping an edge, one per view.
        feature_p: Probability of masking a feature column, one per view.
        symmetric: Whether both directions of an edge are dropped together.
        edge_drop: ``"bernoulli"`` tosses coins; ``"budgeted"`` stays within the views that a
            certified bound speaks of (:class:`~gclkit.augmentations.BudgetedEdgeDrop`), always
            symmetric, and realises less than :obj:`edge_p`.
        options: Arguments of :class:`~gclkit.methods.two_view.TwoViewContrast`.

    Raises:
        ValueError: For rates that are not two probabilities, an unknown way of dropping, and
            as the parts say.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        edge_p: Sequence[float] = (0.2, 0.4),
        feature_p: Sequence[float] = (0.3, 0.4),
        symmetric: bool = False,
        edge_drop: str = "bernoulli",
        **options: Any,
    ) -> None:
        super().__init__(in_channels, **options)
        owner = type(self).__name__
        edge_p = check_pair(owner, "edge_p", edge_p)
        feature_p = check_pair(owner, "feature_p", feature_p)
        check_choice(owner, "edge_drop", edge_drop, ("bernoulli", "budgeted"))
        drops = [
            BudgetedEdgeDrop(p) if edge_drop == "budgeted" else EdgeDrop(p, symmetric=symmetric)
            for p in edge_p
        ]
        self.augmentations = view_pair(drops, (FeatureMask(p, fold=True) for p in feature_p))

"""What methods without a projector share: two uniformly augmented views and one encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor
from torch_geometric.data import Data

from gclkit.augmentations import EdgeDrop, FeatureMask
from gclkit.methods.augmented_views import AugmentedViews, check_pair, view_pair
from gclkit.methods.method import StepOutput


class UniformViews(AugmentedViews):
    r"""Two views by uniform edge dropping and feature masking, encoded by one encoder.

    Subclasses give :meth:`objective`, or change :meth:`step`.

    Args:
        in_channels: Width :math:`f` of the features.
        edge_p: Probability of dropping an edge, one per view.
        feature_p: Probability of masking a feature column, one per view.
        symmetric: Whether both directions of an edge are dropped together.
        options: Arguments of :class:`~gclkit.methods.augmented_views.AugmentedViews`, those of the
            encoder too, such as ``activation`` and ``num_layers``.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        edge_p: Sequence[float] = (0.2, 0.4),
        feature_p: Sequence[float] = (0.1, 0.1),
        symmetric: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(in_channels, **options)
        edge_p = check_pair(type(self).__name__, "edge_p", edge_p)
        feature_p = check_pair(type(self).__name__, "feature_p", feature_p)
        self.augmentations = view_pair(
            (EdgeDrop(p, symmetric=symmetric) for p in edge_p),
            (FeatureMask(p, fold=True) for p in feature_p),
        )

    def step(self, batch: Data, epoch: int) -> StepOutput:
        views, embeddings = self.encode_views(batch)
        loss, terms = self.objective(*embeddings)
        return StepOutput(loss, terms, views, embeddings)

    def objective(
        self, z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"]
    ) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
        """The loss of two embedded views and its parts by name, detached."""
        raise TypeError(f"{type(self).__name__}: a method must define objective(z1, z2)")

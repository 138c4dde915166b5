"""What methods without a projector share: two uniformly augmented views and one encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.transforms import Compose

from gclkit.augmentations import EdgeDrop, FeatureMask
from gclkit.encoders import GCNEncoder, encode_views
from gclkit.methods.method import Method, StepOutput
from gclkit.methods.two_view import check_pair


class UniformViews(Method):
    r"""Two views by uniform edge dropping and feature masking, encoded by one encoder.

    Subclasses give :meth:`objective`, or change :meth:`step`.

    Args:
        in_channels: Width :math:`f` of the features.
        out_channels: Width :math:`d` of the embeddings.
        edge_p: Probability of dropping an edge, one per view.
        feature_p: Probability of masking a feature column, one per view.
        symmetric: Whether both directions of an edge are dropped together.
        ego: Whether :meth:`embed` lays the node alone beside the node in the graph.
        encoder: Further arguments of :class:`~gclkit.encoders.GCNEncoder`.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        out_channels: int = 256,
        edge_p: Sequence[float] = (0.2, 0.4),
        feature_p: Sequence[float] = (0.1, 0.1),
        symmetric: bool = False,
        ego: bool = False,
        **encoder: Any,
    ) -> None:
        super().__init__()
        self.ego = ego
        edge_p = check_pair(type(self).__name__, "edge_p", edge_p)
        feature_p = check_pair(type(self).__name__, "feature_p", feature_p)
        self.encoder = GCNEncoder(in_channels, out_channels, **encoder)
        self.augmentations = tuple(
            Compose([EdgeDrop(e, symmetric=symmetric), FeatureMask(f, fold=True)])
            for e, f in zip(edge_p, feature_p, strict=True)
        )

    def prepare(self, data: Data, generator: torch.Generator | None = None) -> Data:
        data = super().prepare(data, generator)
        for view in self.augmentations:
            for transform in view.transforms:
                transform.generator = generator
        return data

    def encode_views(self, batch: Data) -> tuple[tuple[Data, ...], tuple[Tensor, ...]]:
        """Two views of a graph or batch, and what the encoder makes of them."""
        views = tuple(augment(batch) for augment in self.augmentations)
        return views, encode_views(self.encoder, views)

    def step(self, batch: Data, epoch: int) -> StepOutput:
        views, embeddings = self.encode_views(batch)
        loss, terms = self.objective(*embeddings)
        return StepOutput(loss, terms, views, embeddings)

    def objective(
        self, z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"]
    ) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
        """The loss of two embedded views and its parts by name, detached."""
        raise TypeError(f"{type(self).__name__}: a method must define objective(z1, z2)")

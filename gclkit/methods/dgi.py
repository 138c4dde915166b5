"""DGI."""

from __future__ import annotations

from typing import Any

import torch
from torch_geometric.data import Data

from gclkit.augmentations import FeatureShuffle
from gclkit.encoders.encode_views import edges_of
from gclkit.methods.method import Method, StepOutput, build_encoder
from gclkit.methods.node_summary import NodeSummaryDiscriminator, summarize_nodes


class DGI(Method):
    r"""DGI: nodes are told apart from those of a corrupted graph by a summary of the graph.

    From "Deep Graph Infomax" (`arXiv:1809.10341 <https://arxiv.org/abs/1809.10341>`_): one
    GCN layer with a PReLU, features shuffled between the nodes, a bilinear discriminator.
    The authors' code stops early on the training loss; here the number of epochs is given.
    In a batch, corruption and summary are those of the batch.

    Args:
        in_channels: Width of the features.
        out_channels: Width :math:`d` of the embeddings.
        num_layers: Depth of the encoder.
        activation: Of the encoder.
        topic_neighbors: Lay diffused topics with so many neighbours beside the embeddings.
            (default: none)
        encoder: Further arguments of :class:`~gclkit.encoders.GNNEncoder`.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        out_channels: int = 512,
        num_layers: int = 1,
        activation: str = "prelu",
        topic_neighbors: int | None = None,
        **encoder: Any,
    ) -> None:
        super().__init__(topic_neighbors=topic_neighbors)
        options = {"num_layers": num_layers, "activation": activation, **encoder}
        self.encoder = build_encoder("DGI", in_channels, out_channels, **options)
        self.discriminator = NodeSummaryDiscriminator(out_channels)
        self.corruption = FeatureShuffle()

    def prepare(self, data: Data, generator: torch.Generator | None = None) -> Data:
        self.corruption.generator = generator
        return super().prepare(data, generator)

    def step(self, batch: Data, epoch: int) -> StepOutput:
        views = (batch, self.corruption(batch))
        true, corrupted = (self.encoder(view.x, *edges_of(view)) for view in views)
        loss = self.discriminator(true, corrupted, summarize_nodes(true))
        return StepOutput(loss, {"node_summary": loss.detach()}, views, (true, corrupted))

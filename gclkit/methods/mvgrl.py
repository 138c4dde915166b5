"""MVGRL."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch_geometric.data import Data

from gclkit.augmentations import Diffusion, FeatureShuffle, diffusion_view
from gclkit.checks import reject
from gclkit.encoders.encode_views import edges_of
from gclkit.methods.method import Method, StepOutput, build_encoder
from gclkit.methods.node_summary import NodeSummaryDiscriminator, summarize_nodes


class MVGRL(Method):
    r"""MVGRL: nodes of the graph against the summary of its diffusion, and the other way round.

    From "Contrastive Multi-View Representation Learning on Graphs" (`arXiv:2006.05582
    <https://arxiv.org/abs/2006.05582>`_): one encoder per view, the second view by
    personalised PageRank, one discriminator for both directions, shuffled features as
    negatives; the embedding is the sum of both. It differs from the authors' code in that
    the diffusion is sparse from the start, cut to the largest entries of each row and
    normalised like any weighted graph; that the whole graph is one step instead of four
    samples of 2,000 nodes; and that the number of epochs is given. A diffusion that the graph
    holds already, by :class:`~gclkit.augmentations.Diffusion`, is used.

    Args:
        in_channels: Width of the features.
        out_channels: Width :math:`d` of the embeddings.
        num_layers: Depth of the encoders.
        activation: Of the encoders.
        alpha: Chance of the diffusion to restart.
        top_k: Entries of the diffusion kept per node.
        diffusion_threshold: Entries of the diffusion below it are left out.
        topic_neighbors: Lay diffused topics with so many neighbours beside the embeddings.
            (default: none)
        encoder: Further arguments of :class:`~gclkit.encoders.GNNEncoder`.

    Raises:
        ValueError: As :class:`~gclkit.augmentations.Diffusion` and the encoder say.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        out_channels: int = 512,
        num_layers: int = 1,
        activation: str = "prelu",
        alpha: float = 0.2,
        top_k: int = 64,
        diffusion_threshold: float = 0.0,
        topic_neighbors: int | None = None,
        **encoder: Any,
    ) -> None:
        super().__init__(topic_neighbors=topic_neighbors)
        options = {"num_layers": num_layers, "activation": activation, **encoder}
        self.encoder = build_encoder("MVGRL", in_channels, out_channels, **options)
        self.diffusion_encoder = build_encoder("MVGRL", in_channels, out_channels, **options)
        self.discriminator = NodeSummaryDiscriminator(out_channels)
        self.corruption = FeatureShuffle()
        self.diffusion = Diffusion(alpha=alpha, top_k=top_k, threshold=diffusion_threshold)

    def prepare(self, data: Data, generator: torch.Generator | None = None) -> Data:
        if self.ego:
            reject("MVGRL", "ego", "False: its embedding is the sum of two encoders", self.ego)
        self.corruption.generator = generator
        return self._diffuse(super().prepare(data, generator))

    def step(self, batch: Data, epoch: int) -> StepOutput:
        views = (batch, diffusion_view(batch))
        corrupted = self.corruption(batch)
        embeddings, shuffled = self._encode(*views, x=None), self._encode(*views, x=corrupted.x)
        summaries = [summarize_nodes(z) for z in embeddings]
        losses = [
            self.discriminator(z, noise, other)
            for z, noise, other in zip(embeddings, shuffled, reversed(summaries), strict=True)
        ]
        terms = {"graph": losses[0].detach(), "diffusion": losses[1].detach()}
        return StepOutput((losses[0] + losses[1]) / 2, terms, views, embeddings)

    def _diffuse(self, data: Data) -> Data:
        """The graph with the diffusion that it holds, in its own sizes, or else a new one."""
        found = [data.get(name) for name in ("diffusion_column", "diffusion_value", "node_id")]
        if all(isinstance(value, Tensor) and len(value) == data.num_nodes for value in found):
            return data
        return self.diffusion(data)

    def _encode(self, graph: Data, diffused: Data, *, x: Tensor | None) -> tuple[Tensor, Tensor]:
        x = graph.x if x is None else x
        return (
            self.encoder(x, *edges_of(graph)),
            self.diffusion_encoder(x, diffused.edge_index, diffused.edge_weight),
        )

    @torch.no_grad()
    def encode(self, data: Data) -> Float[Tensor, "n d"]:
        """The sum of both encoders; the diffusion is computed where it is missing."""
        data = self._diffuse(data)
        training = self.training
        self.eval()
        try:
            first, second = self._encode(data, diffusion_view(data), x=None)
            return first + second
        finally:
            self.train(training)

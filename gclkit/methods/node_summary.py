"""The discriminator of DGI and MVGRL: does a node belong to a summary of the graph?"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gclkit.losses import summary_jsd


def summarize_nodes(z: Float[Tensor, "n d"]) -> Float[Tensor, " d"]:
    r"""The readout of DGI: :math:`s = \sigma(\mathrm{mean}_i\, z_i)`."""
    return z.mean(dim=0).sigmoid()


class NodeSummaryDiscriminator(nn.Module):
    r"""Tells the nodes of a graph from those of a corrupted one by a summary of the graph.

    .. math:: \tfrac12 \big(\mathrm{mean}_i \log(1 + e^{-z_i^\top W s})
        + \mathrm{mean}_i \log(1 + e^{\tilde z_i^\top W s})\big)

    The binary cross-entropy of "Deep Graph Infomax" (`arXiv:1809.10341
    <https://arxiv.org/abs/1809.10341>`_, Eq. 1 with a negated sign and Eq. 4). The bilinear
    form has no bias; in the authors' code it has one.

    Args:
        channels: Width :math:`d` of nodes and summary.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the weight anew."""
        nn.init.xavier_uniform_(self.weight)

    def forward(
        self,
        z: Float[Tensor, "n d"],
        corrupted: Float[Tensor, "n d"],
        summary: Float[Tensor, " d"],
    ) -> Float[Tensor, ""]:
        """The loss of true and corrupted nodes against one summary."""
        direction = (self.weight @ summary)[None]
        return summary_jsd(z, direction, corrupted=corrupted) / 2 + math.log(2)

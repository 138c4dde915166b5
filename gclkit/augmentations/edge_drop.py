"""Uniform edge dropping, and the coins and the cut that every edge dropping shares."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform

from gclkit.checks import check_probability, reject
from gclkit.graphs.check_graph import check_edge_index
from gclkit.graphs.edge_attributes import take_edges


def edge_coins(
    owner: str, data: Data, *, symmetric: bool, generator: torch.Generator | None = None
) -> Float[Tensor, " e"]:
    """Uniform numbers in [0, 1), one per entry of ``edge_index``.

    Args:
        owner: Transform that an error message names.
        data: The graph.
        symmetric: Whether both directions of an edge share one number.
        generator: Source of randomness, on the device of the graph.

    Raises:
        ValueError: If it is no graph of one kind of nodes with an ``edge_index``.
    """
    device = check_edge_index(owner, data).device
    if not symmetric:
        return torch.rand(data.num_edges, generator=generator, device=device)
    low, high = data.edge_index.sort(dim=0).values
    pairs, pair = torch.unique(low * data.num_nodes + high, return_inverse=True)
    return torch.rand(pairs.numel(), generator=generator, device=device)[pair]


def scored_edges(
    owner: str, data: Data, name: str, writer: str
) -> tuple[Float[Tensor, " e"], Float[Tensor, "*e"] | None]:
    """What a transform wrote per edge, and the mean over the graph that each edge is in.

    Args:
        owner: Transform that an error message names.
        data: The graph, a part of it, or a batch of several graphs.
        name: The attribute; its mean is called the same with ``_mean`` behind.
        writer: Transform that writes both.

    Raises:
        ValueError: If the graph does not have it, or no longer one number per edge.
    """
    value, mean = data.get(name), data.get(f"{name}_mean")
    if value is None:
        reject(owner, "data", f"a graph with '{name}': apply {writer} first", data)
    if value.shape != (data.num_edges,):
        rule = f"one number per edge, of shape ({data.num_edges},): apply {writer} to these edges"
        reject(owner, name, rule, tuple(value.shape))
    if mean is not None and mean.numel() > 1:
        mean = mean[data.batch[data.edge_index[0]]]
    return value, mean


def keep_edges(data: Data, keep: Bool[Tensor, " e"]) -> Data:
    """The graph with some of its edges, their weights and all other edge attributes."""
    edges = data.num_edges
    take_edges(data, keep)
    data.edge_drop_rate = 1 - data.num_edges / edges if edges else 0.0
    return data


class EdgeDrop(BaseTransform):
    r"""Drops each edge with probability :obj:`p`.

    From "Deep Graph Contrastive Representation Learning" (GRACE, `arXiv:2006.04131
    <https://arxiv.org/abs/2006.04131>`_). Nodes and features are left as they are;
    the realised rate is written to ``edge_drop_rate``.

    Args:
        p: Probability of dropping an edge, in [0, 1].
        symmetric: Whether both directions of an edge share one coin. The papers of GRACE,
            GCA and CSGCL toss one coin per direction, which is the default here.
        generator: Source of randomness, on the device of the graph. Leave it out where worker
            processes call the transform: each draws from a copy of the same state, in every
            epoch anew. (default: the global generator)
    """

    def __init__(
        self, p: float, *, symmetric: bool = False, generator: torch.Generator | None = None
    ) -> None:
        self.p = check_probability("EdgeDrop", "p", p)
        self.symmetric = symmetric
        self.generator = generator

    def forward(self, data: Data) -> Data:
        coins = edge_coins("EdgeDrop", data, symmetric=self.symmetric, generator=self.generator)
        return keep_edges(data, coins >= self.p)

    def __repr__(self) -> str:
        return f"EdgeDrop(p={self.p}, symmetric={self.symmetric})"

"""Centralities as a transform, so that they travel with the graph and its batches."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform

from gclkit.augmentations.centrality import (
    degree_centrality,
    eigenvector_centrality,
    lazy_walk_centrality,
    pagerank,
)
from gclkit.checks import check_choice, check_finite, check_floats, check_one_each
from gclkit.graphs.check_graph import check_graph, count_nodes
from gclkit.sparse import column_sums

MEASURES = ("degree", "eigenvector", "pagerank", "true_pagerank")


def drop_weight(centrality: Float[Tensor, " k"]) -> Float[Tensor, " k"]:
    r"""How readily each edge or feature is dropped: 0 for the most central one.

    .. math::
        w = \frac{\max q - q}{\max q - \bar q}, \qquad q = \log c

    From GCA (`arXiv:2010.14945 <https://arxiv.org/abs/2010.14945>`_); the mean of
    :math:`w` is 1. Where the authors' code takes the logarithm of 0 or divides 0 by 0, the
    weight is 1, so that the entry is dropped at the wanted rate: an entry without
    centrality (:math:`c \le 0`) is left out of maximum and mean, and where all entries are
    equally central every weight is 1.

    Args:
        centrality: Centrality :math:`c` of each edge or feature.

    Raises:
        ValueError: If it is not a vector of finite floating point numbers.
    """
    check_floats("drop_weight", "centrality", centrality, dims=1)
    check_finite("drop_weight", "centrality", centrality)
    q = centrality.double().log()
    central = q.isfinite()
    if not bool(central.any()):
        return torch.ones_like(q)
    top, mean = q[central].max(), q[central].mean()
    # A spread within rounding of the logarithms is no preference.
    if float(top - mean) <= 1e-9 * max(1.0, float(q[central].abs().max())):
        return torch.ones_like(q)
    return torch.where(central, (top - q) / (top - mean), torch.ones_like(q))


def feature_centrality(
    x: Float[Tensor, "n f"], centrality: Float[Tensor, " n"], *, absolute: bool = False
) -> Float[Tensor, " f"]:
    r"""How central the nodes that use each feature are: :math:`\tilde X^\top c`.

    Args:
        x: Features, strided or CSR.
        centrality: Centrality :math:`c` of each node.
        absolute: Whether :math:`\tilde X` is :math:`|X|`, for dense features, instead of
            :math:`[X \ne 0]`.

    Raises:
        ValueError: If the features are not a floating point matrix, or the centralities not one
            floating point number per node.
    """
    check_floats("feature_centrality", "x", x, sparse=True)
    check_one_each("feature_centrality", "centrality", centrality, x.size(0), "number per node")
    check_floats("feature_centrality", "centrality", centrality, dims=1)
    return column_sums(x, centrality, torch.abs if absolute else lambda entries: entries != 0)


class AddCentrality(BaseTransform):
    r"""Writes what GCA derives from the centrality of nodes.

    From "Graph Contrastive Learning with Adaptive Augmentation" (`arXiv:2010.14945
    <https://arxiv.org/abs/2010.14945>`_). An edge is as central as its target. Everything
    that needs the whole graph is computed here, so that a batch works like the graph:

    * ``node_centrality`` [n];
    * ``edge_drop_weight`` [e] and ``edge_drop_weight_mean`` [], see :func:`drop_weight`;
    * ``feature_drop_weight`` [1, f], present if the graph has features.

    Args:
        measure: ``"degree"``; ``"pagerank"``, the authors' lazy walk, of 200 steps for
            edges and 10 for nodes and features; ``"true_pagerank"``, with teleport; or
            ``"eigenvector"``.
        absolute_features: As in :func:`feature_centrality`.

    Raises:
        ValueError: For an unknown measure, or an invalid graph.
    """

    def __init__(self, measure: str = "degree", *, absolute_features: bool = False) -> None:
        self.measure = check_choice("AddCentrality", "measure", measure, MEASURES)
        self.absolute_features = absolute_features

    def forward(self, data: Data) -> Data:
        check_graph("AddCentrality", data, require_features=False, require_edges=False)
        x, target = data.get("x"), data.edge_index[1]
        dtype = x.dtype if x is not None and x.dtype.is_floating_point else torch.float32
        of_nodes, of_edges = self._centralities(data)
        weight = drop_weight(of_edges[target])
        data.node_centrality = of_nodes.to(dtype)
        data.edge_drop_weight = weight.to(dtype)
        mean = weight.mean() if weight.numel() else weight.new_ones(())
        data.edge_drop_weight_mean = mean.to(dtype)
        if x is not None:
            votes = feature_centrality(x, of_nodes, absolute=self.absolute_features)
            data.feature_drop_weight = drop_weight(votes).to(dtype)[None]
        return data

    def _centralities(self, data: Data) -> tuple[Tensor, Tensor]:
        """Float64 centralities of the nodes, for features and for edges."""
        graph = (data.edge_index, count_nodes("AddCentrality", data))
        weight = data.get("edge_weight")
        if self.measure == "pagerank":
            walk = lazy_walk_centrality(*graph, steps=10, edge_weight=weight)
            return walk, lazy_walk_centrality(*graph, steps=200, edge_weight=weight)
        if self.measure == "eigenvector":
            vector = eigenvector_centrality(*graph, edge_weight=weight)
            # The authors keep nodes at 0, those of small components, apart from log 0.
            return vector, vector.clamp(min=0) + 1e-8
        measure = degree_centrality if self.measure == "degree" else pagerank
        centrality = measure(*graph, edge_weight=weight)
        return centrality, centrality

    def __repr__(self) -> str:
        return (
            f"AddCentrality(measure={self.measure!r}, absolute_features={self.absolute_features})"
        )

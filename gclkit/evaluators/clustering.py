"""k-means on frozen embeddings, scored against the classes and the graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.checks import check_count, check_edges
from gclkit.evaluators.inputs import check_embeddings, check_labels
from gclkit.evaluators.kmeans import kmeans
from gclkit.evaluators.partition_scores import (
    ari,
    conductance,
    homogeneity,
    matched_scores,
    modularity,
    nmi,
    silhouettes,
)
from gclkit.graphs.check_graph import check_edge_weight


@dataclass(frozen=True)
class ClusteringScores:
    """Scores of one clustering.

    Args:
        nmi: Normalised mutual information with the classes, in [0, 1].
        ari: Adjusted Rand index, at most 1.
        accuracy: Share of the nodes that agree after optimal matching.
        macro_f1: Mean F1 over the classes after the same matching.
        homogeneity: Share of the class entropy that is explained, in [0, 1].
        silhouette: Of the clusters in the embeddings, in [-1, 1]; NaN with one cluster.
        modularity: Of the clusters in the graph; ``None`` without edges.
        conductance: Mean over the clusters, lower is better; ``None`` without edges.
        inertia: Sum of squared distances to the centers.
        labels: Cluster of each node.
    """

    nmi: float
    ari: float
    accuracy: float
    macro_f1: float
    homogeneity: float
    silhouette: float
    modularity: float | None
    conductance: float | None
    inertia: float
    labels: Int[Tensor, " n"] = field(repr=False, compare=False)


@dataclass(frozen=True)
class KMeansClustering:
    """Clusters all nodes by k-means; classes are read for the scores only.

    Args:
        num_clusters: Number of clusters. (default: the number of classes)
        restarts: k-means++ starts; the smallest inertia wins.
        normalize: Whether rows are brought to length 1 first.
        seed: Of the starts.

    Example:
        >>> import torch
        >>> z, y = torch.eye(3).repeat(20, 1), torch.arange(60) % 3
        >>> KMeansClustering()(z, y).nmi
        1.0
    """

    num_clusters: int | None = None
    restarts: int = 10
    normalize: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.num_clusters is not None:
            check_count("KMeansClustering", "num_clusters", self.num_clusters)
        check_count("KMeansClustering", "restarts", self.restarts)

    @property
    def protocol(self) -> str:
        """What a report says about this clustering."""
        rows = "l2-normalized" if self.normalize else "raw"
        return f"k-means on {rows} embeddings, k-means++, best of {self.restarts} restarts"

    def __call__(
        self,
        z: Float[Tensor, "n d"],
        y: Int[Tensor, " n"],
        edge_index: Int[Tensor, "2 e"] | None = None,
        edge_weight: Float[Tensor, " e"] | None = None,
    ) -> ClusteringScores:
        """Clusters and scores.

        Args:
            z: Embeddings.
            y: Classes, numbered from 0 without a gap.
            edge_index: Undirected edges, for modularity and conductance.
            edge_weight: Their weights, at least 0. (default: 1)

        Raises:
            ValueError: If embeddings, labels, edges or weights are unfit, or there are more
                clusters than nodes.
        """
        return self.score_seeds(z, y, edge_index, edge_weight, seeds=[self.seed])[0]

    def score_seeds(
        self,
        z: Float[Tensor, "n d"],
        y: Int[Tensor, " n"],
        edge_index: Int[Tensor, "2 e"] | None = None,
        edge_weight: Float[Tensor, " e"] | None = None,
        *,
        seeds: Sequence[int],
    ) -> list[ClusteringScores]:
        """What a call scores, for each of several seeds in place of ``seed``.

        Their silhouettes share one pass over the distances between the nodes.
        """
        z = check_embeddings("KMeansClustering", z)
        remedy = "z[y >= 0] and y[y >= 0] belong to the known ones"
        y = check_labels("KMeansClustering", y, z.size(0), remedy=remedy).to(z.device)
        if edge_index is not None:
            check_edges("KMeansClustering", edge_index, z.size(0), any_integer=True)
            if edge_weight is not None:
                check_edge_weight("KMeansClustering", edge_weight, edge_index.size(1))
        z = F.normalize(z, dim=1) if self.normalize else z
        count = int(y.max()) + 1 if self.num_clusters is None else self.num_clusters
        fits = [kmeans(z, count, restarts=self.restarts, seed=seed) for seed in seeds]
        compactness = silhouettes(z, [fit.labels for fit in fits])
        scores = []
        for fit, value in zip(fits, compactness, strict=True):
            accuracy, macro_f1 = matched_scores(y, fit.labels)
            graph = None if edge_index is None else (edge_index, fit.labels, edge_weight)
            scores.append(
                ClusteringScores(
                    nmi=nmi(y, fit.labels),
                    ari=ari(y, fit.labels),
                    accuracy=accuracy,
                    macro_f1=macro_f1,
                    homogeneity=homogeneity(y, fit.labels),
                    silhouette=value,
                    modularity=None if graph is None else modularity(*graph),
                    conductance=None if graph is None else conductance(*graph),
                    inertia=fit.inertia,
                    labels=fit.labels,
                )
            )
        return scores

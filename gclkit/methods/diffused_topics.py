"""Topics of the features, diffused over edges and similar nodes: what words tell by themselves."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix
from torch import Tensor
from torch_geometric.data import Data

from gclkit.checks import check_count, check_positive, check_probability, reject
from gclkit.encoders.adjacency import gcn_adjacency
from gclkit.graphs import check_graph

OWNER = "diffused_topics"


def diffused_topics(
    data: Data,
    dim: int = 128,
    alpha: float = 0.05,
    steps: int = 30,
    neighbors: int = 10,
    neighbor_weight: float = 0.02,
) -> Float[Tensor, "n d"]:
    r"""Topics of the features after ``steps`` of personalised PageRank on an enriched graph.

    .. math:: H_0 = T, \qquad H_{k+1} = (1 - \alpha) \hat A' H_k + \alpha T

    The rows of :math:`T` are the leading principal components of the features, each column
    weighted by the logarithm of its rarity (latent semantic analysis: Deerwester et al.,
    "Indexing by Latent Semantic Analysis", 1990), of length 1. :math:`\hat A'` is the adjacency
    of a GCN with light edges added, between each node and the ``neighbors`` nodes of the most
    similar topics: they reach nodes that the graph leaves alone. Nothing is trained and no label
    is read; on graphs of papers with few labels it is hard to beat, and laid beside an embedding
    it adds what a convolution of the words averages away. Time :math:`O(n^2 d)` for the neighbours.

    Args:
        data: The graph; its features may be sparse.
        dim: Number of topics, cut to less than the nodes and the features.
        alpha: Chance to restart at the node itself, in [0, 1].
        steps: Number of steps, at least 1.
        neighbors: Similar nodes per node, less than the nodes; 0 leaves the graph as it is.
        neighbor_weight: Weight of an edge to one, positive; those of the graph weigh 1, or what
            ``data.edge_weight`` says.

    Raises:
        ValueError: For a setting out of range, or a graph that is invalid, too small or the same
            in all nodes.
    """
    check_count(OWNER, "dim", dim)
    check_probability(OWNER, "alpha", alpha)
    check_count(OWNER, "steps", steps)
    check_positive(OWNER, "neighbor_weight", neighbor_weight)
    check_topics(OWNER, data, neighbors)
    edge_index, weight = data.edge_index, data.get("edge_weight")
    topics = _topics(data.x, dim).to(data.x)
    if neighbors:
        similar = _similar(topics, neighbors)
        light = similar.new_full((similar.size(1),), neighbor_weight, dtype=topics.dtype)
        known = torch.ones_like(edge_index[0], dtype=topics.dtype) if weight is None else weight
        edge_index, weight = torch.cat([edge_index, similar], dim=1), torch.cat([known, light])
    adjacency = gcn_adjacency(edge_index, weight, len(topics), dtype=topics.dtype)
    found = topics
    for _ in range(steps):
        found = torch.lerp(adjacency @ found, topics, alpha)
    return found


def check_topics(owner: str, data: Data, neighbors: int, name: str = "neighbors") -> None:
    """Raises a ``ValueError`` if a graph has no topics, or too few nodes for the neighbours."""
    check_graph(owner, data)
    if min(data.x.shape) < 2:
        reject(owner, "x", "of two nodes and two features or more", tuple(data.x.shape))
    if check_count(owner, name, neighbors, at_least=0) >= data.x.size(0):
        reject(owner, name, f"less than the {data.x.size(0)} nodes", neighbors)
    rows = _weighted_rows(data.x)
    spread = rows.multiply(rows).sum() / rows.shape[0] - np.square(rows.mean(axis=0)).sum()
    if spread < np.finfo(np.float32).eps:
        reject(owner, "x", "features by which nodes differ", f"variance {spread:.1e}")


def _weighted_rows(x: Tensor) -> csr_matrix:
    """Rows of length 1 in which rare features weigh more; a row of zeros stays one."""
    from sklearn.feature_extraction.text import TfidfTransformer

    x = x.detach().cpu().double()
    if x.layout == torch.sparse_csr:
        parts = (x.values().numpy(), x.col_indices().numpy(), x.crow_indices().numpy())
        words = csr_matrix(parts, shape=tuple(x.shape))
    else:
        words = csr_matrix(x.numpy())
    return TfidfTransformer().fit_transform(words)


def _topics(x: Tensor, dim: int) -> Float[Tensor, "n d"]:
    from sklearn.decomposition import PCA

    pca = PCA(min(dim, min(x.shape) - 1), svd_solver="arpack", random_state=0)
    found = pca.fit_transform(_weighted_rows(x))
    return F.normalize(torch.from_numpy(np.ascontiguousarray(found)))


def _similar(topics: Float[Tensor, "n d"], neighbors: int) -> Int[Tensor, "2 e"]:
    """Edges to and from the nearest rows; of rows of length 1 these are the most similar."""
    from sklearn.neighbors import NearestNeighbors

    rows = topics.cpu().numpy()
    near = NearestNeighbors(n_neighbors=neighbors, algorithm="brute").fit(rows)
    column = torch.from_numpy(near.kneighbors(return_distance=False)).flatten()
    row = torch.arange(len(rows)).repeat_interleave(neighbors)
    forth = torch.stack([row, column]).to(topics.device)
    return torch.cat([forth, forth.flip(0)], dim=1)

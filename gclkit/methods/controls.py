"""Controls without training: propagated features and a structure-only embedding."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch_geometric.data import Data

from gclkit.checks import check_count, check_probability
from gclkit.encoders.adjacency import gcn_adjacency
from gclkit.graphs import check_graph
from gclkit.methods.leading_eigenvectors import leading_eigenvectors


def propagated_features(data: Data, hops: int = 2) -> Float[Tensor, "n f"]:
    r"""Features after ``hops`` steps of the propagation of a GCN, :math:`\hat A^k X`.

    The encoder of SGC ("Simplifying Graph Convolutional Networks", `arXiv:1902.07153
    <https://arxiv.org/abs/1902.07153>`_), which learns nothing: what a trained encoder gains
    beyond it, it gains by training.

    Args:
        data: The graph; sparse features are made dense.
        hops: Number of steps, at least 1.
    """
    check_count("propagated_features", "hops", hops)
    found, adjacency = _features_and_adjacency("propagated_features", data)
    for _ in range(hops):
        found = adjacency @ found
    return found


def features_by_hop(data: Data, hops: int = 2) -> Float[Tensor, "n k"]:
    r"""The features of a node and their propagation by 1 to ``hops`` steps, side by side.

    The input of SIGN ("Scalable Inception Graph Neural Networks", `arXiv:2004.11198
    <https://arxiv.org/abs/2004.11198>`_), each block with rows of unit length. As wide as the
    features times ``hops + 1``, and where neighbours and features tell different things, hard to
    beat by a linear classifier on any embedding.

    Args:
        data: The graph; sparse features are made dense.
        hops: Number of steps, at least 1.
    """
    check_count("features_by_hop", "hops", hops)
    x, adjacency = _features_and_adjacency("features_by_hop", data)
    blocks = [x]
    for _ in range(hops):
        blocks.append(adjacency @ blocks[-1])
    return torch.cat([F.normalize(block) for block in blocks], dim=1)


def diffused_features(data: Data, alpha: float = 0.1, steps: int = 20) -> Float[Tensor, "n f"]:
    r"""Features of unit length after ``steps`` of personalised PageRank.

    .. math:: H_0 = X, \qquad H_{k+1} = (1 - \alpha) \hat A H_k + \alpha X

    The propagation of APPNP ("Predict then Propagate", `arXiv:1810.05997
    <https://arxiv.org/abs/1810.05997>`_, equation 5) without the network before it: a receptive
    field of many hops in which the near ones still count most.

    Args:
        data: The graph; sparse features are made dense.
        alpha: Chance to restart at the node itself, in [0, 1].
        steps: Number of steps, at least 1.

    Raises:
        ValueError: For a setting out of range, or an invalid graph.
    """
    owner = "diffused_features"
    check_count(owner, "steps", steps)
    check_probability(owner, "alpha", alpha)
    x, adjacency = _features_and_adjacency(owner, data)
    x = F.normalize(x)
    found = x
    for _ in range(steps):
        found = torch.lerp(adjacency @ found, x, alpha)
    return found


def _features_and_adjacency(owner: str, data: Data) -> tuple[Tensor, Tensor]:
    check_graph(owner, data)
    x = data.x if data.x.layout == torch.strided else data.x.to_dense()
    return x, gcn_adjacency(data.edge_index, data.get("edge_weight"), x.size(0), dtype=x.dtype)


def spectral_embedding(data: Data, dim: int | None = None, seed: int = 0) -> Float[Tensor, "n d"]:
    r"""Leading eigenvectors of :math:`\tilde D^{-1/2}(A + I)\tilde D^{-1/2}`, features unseen.

    Columns belong to descending eigenvalues, have length :math:`\sqrt n`, and the sign that
    makes their largest entry positive. The first tells degree and component only; it is kept.
    Of more than 20,000 nodes they are approximate, with residuals of at most 0.002: eigenvectors
    whose eigenvalues are nearer to each other are not told apart.

    Args:
        data: The graph; its edges and their weights are all that is read.
        dim: Number of eigenvectors, at least 1; at most n - 1 are taken. (default: 128, but no
            more than n / 16: with nearly all of them every two nodes are equally far apart)
        seed: Of the start of the iteration.

    Raises:
        ValueError: If the graph is directed or has no edges, or the iteration does not converge.
    """
    check_graph("spectral_embedding", data, require_features=False, require_undirected=True)
    n = int(data.num_nodes or 0)
    dim = (
        min(128, max(1, n // 16)) if dim is None else check_count("spectral_embedding", "dim", dim)
    )
    adjacency = gcn_adjacency(data.edge_index, data.get("edge_weight"), n, dtype=torch.float64)
    values, vectors = leading_eigenvectors(adjacency, min(dim, n - 1), seed=seed)
    vectors = vectors[:, np.argsort(-values, kind="stable")]
    top = np.abs(vectors).argmax(axis=0)
    vectors = vectors * np.sign(vectors[top, np.arange(vectors.shape[1])])
    return torch.from_numpy(np.sqrt(n) * vectors).float()

"""One entry to the community detection algorithms."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor
from torch_geometric.data import Data

from gclkit.checks import check_choice, check_positive, check_seed, reject
from gclkit.communities.adjacency import symmetric_adjacency
from gclkit.communities.detecting_once import remembered
from gclkit.communities.label_propagation import label_propagation
from gclkit.communities.leiden import leiden
from gclkit.communities.louvain import louvain
from gclkit.communities.partition import Partition
from gclkit.communities.strength import community_strength
from gclkit.graphs.check_graph import check_graph, count_nodes

Algorithm = Literal["leiden", "louvain", "label_propagation"]
ALGORITHMS = {"leiden": leiden, "louvain": louvain, "label_propagation": label_propagation}


def detect(
    data: Data,
    *,
    algorithm: Algorithm | Int[Tensor, " n"] = "leiden",
    seed: int = 0,
    resolution: float = 1.0,
) -> Partition:
    """Finds the communities of a graph.

    Args:
        data: A graph; :obj:`edge_weight` is used when present, directions are not. Nodes without
            edges are alone.
        algorithm: ``"leiden"`` (graspologic-native), ``"louvain"`` (python-louvain),
            ``"label_propagation"``, or a vector with a known label per node.
        seed: In [0, 2^63), below 2^32 for Louvain; the same seed gives the same communities.
        resolution: Above 1 for more communities, below 1 for fewer; Louvain takes 1 or more.

    Returns:
        The communities, numbered from 0 without gaps in the order of their first node,
        and their modularity.

    Raises:
        ValueError: For an unknown algorithm, a label vector of another length, negative
            or non-finite edge weights, settings out of range or an invalid graph.
    """
    check_graph("detect", data, require_features=False, require_edges=False)
    check_detection("detect", algorithm, seed, resolution)
    if isinstance(algorithm, Tensor):
        num_nodes = count_nodes("detect", data)
        if len(algorithm) != num_nodes:
            rule = f"a name or a label for each of the {num_nodes} nodes"
            reject("detect", "algorithm", rule, tuple(algorithm.shape))
        labels = algorithm.cpu().numpy()
    else:
        adjacency = symmetric_adjacency(data)
        if adjacency.nnz == 0 and data.num_edges:
            reject("detect", "edge_weight", "positive for some edge", 0.0)
        alone = np.arange(adjacency.shape[0])
        find = ALGORITHMS[algorithm]
        labels = remembered(find, adjacency, seed, resolution) if data.num_edges else alone
    membership = _renumber(labels).to(data.edge_index.device)
    weight = data.get("edge_weight")
    strength = community_strength(data.edge_index, membership, edge_weight=weight)
    return Partition(membership, strength.numel(), float(strength.sum()))


def check_detection(
    owner: str, algorithm: Algorithm | Tensor, seed: int, resolution: float
) -> None:
    """Raises a ``ValueError`` if a setting of :func:`detect` is out of range for any graph."""
    louvain_asked = isinstance(algorithm, str) and algorithm == "louvain"
    check_seed(owner, "seed", seed, bits=32 if louvain_asked else 63)
    check_positive(owner, "resolution", resolution)
    # Below 1 python-louvain stops early and finds more communities, not fewer.
    if louvain_asked and resolution < 1:
        reject(owner, "resolution", "at least 1 with 'louvain' ('leiden' takes any)", resolution)
    if isinstance(algorithm, str):
        check_choice(owner, "algorithm", algorithm, ALGORITHMS)
        return
    if not isinstance(algorithm, Tensor):
        rule = "a name or a tensor of integer labels"
        reject(owner, "algorithm", rule, type(algorithm).__name__)
    kind = algorithm.dtype
    if algorithm.dim() != 1 or kind.is_floating_point or kind.is_complex or kind == torch.bool:
        got = f"{kind} of shape {tuple(algorithm.shape)}"
        reject(owner, "algorithm", "a vector of integer labels", got)


def _renumber(labels: np.ndarray) -> Tensor:
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(first.size, dtype=np.int64)
    rank[np.argsort(first)] = np.arange(first.size)
    return torch.from_numpy(rank[inverse.reshape(-1)])

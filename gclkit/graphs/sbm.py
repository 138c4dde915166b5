"""An attributed stochastic block model whose communities differ in strength."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.data import Data

from gclkit.checks import check_count, check_non_negative, check_probability, reject


def sbm(
    *,
    num_nodes: int = 2000,
    num_communities: int = 8,
    inner_degree: tuple[float, float] = (3.0, 9.0),
    random_edges: float = 1.5,
    num_features: int = 500,
    informative: int = 25,
    p_on: float = 0.05,
    p_informative: float = 0.19,
    seed: int = 0,
) -> Data:
    """Draws a graph of communities, with binary features that say little about a single node.

    Community ``c`` of ``k`` has a mean inner degree between the two ends of ``inner_degree``,
    in equal steps; further edges join any two nodes. Each feature of a node is on with
    probability ``p_on``; the ``informative`` features of its own community with
    ``p_informative``. The class of a node is its community.

    Args:
        num_nodes: Number of nodes, at least two per community.
        num_communities: Number of communities, of sizes that differ by at most one.
        inner_degree: Mean number of neighbours inside the first and the last community.
        random_edges: Edges between any two nodes, per node.
        num_features: Number of binary features.
        informative: Features per community that tell of it.
        p_on: Chance of a feature to be on.
        p_informative: Chance of an informative feature to be on.
        seed: Seed of all of this.

    Returns:
        An undirected graph with ``x`` in {0, 1}.

    Raises:
        ValueError: If an argument is out of range, or the informative features do not fit.
    """
    owner = "sbm"
    check_count(owner, "num_communities", num_communities)
    check_count(owner, "num_nodes", num_nodes, at_least=2 * num_communities)
    check_count(owner, "num_features", num_features)
    check_count(owner, "informative", informative, at_least=0)
    check_non_negative(owner, "random_edges", random_edges)
    check_probability(owner, "p_on", p_on)
    check_probability(owner, "p_informative", p_informative)
    check_count(owner, "seed", seed, at_least=0)
    if informative * num_communities > num_features:
        rule = f"at most {num_features // num_communities}, for {num_communities} communities"
        reject(owner, "informative", rule, informative)
    if not isinstance(inner_degree, (tuple, list)) or len(inner_degree) != 2:
        reject(owner, "inner_degree", "a pair of numbers", inner_degree)
    low, high = (check_non_negative(owner, "inner_degree", end) for end in inner_degree)

    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(num_nodes) * num_communities // num_nodes
    start = torch.searchsorted(y, torch.arange(num_communities + 1))
    pairs = [_draw(round(random_edges * num_nodes), 0, num_nodes, generator)]
    for community, degree in enumerate(torch.linspace(low, high, num_communities).tolist()):
        first, size = int(start[community]), int(start[community + 1] - start[community])
        pairs.append(_draw(round(degree * size / 2), first, size, generator))
    edges = torch.cat(pairs, dim=1)
    both = torch.cat([edges, edges.flip(0)], dim=1)
    both = both[:, both[0] != both[1]]
    keys = (both[0] * num_nodes + both[1]).unique()

    own = torch.arange(num_features) // max(informative, 1) == y[:, None]
    own &= torch.tensor(informative > 0)
    chance = torch.where(own, p_informative, p_on)
    on = torch.rand(num_nodes, num_features, generator=generator) < chance
    order = torch.randperm(num_nodes, generator=generator)
    rank = order.argsort()
    edge_index = order[torch.stack([keys // num_nodes, keys % num_nodes])]
    edge_index = edge_index[:, (edge_index[0] * num_nodes + edge_index[1]).argsort()]
    return Data(x=on.float()[rank], edge_index=edge_index, y=y[rank])


def _draw(count: int, first: int, size: int, generator: torch.Generator) -> Tensor:
    # Pairs with repetition; the few doubles and self-loops are dropped by the caller.
    return first + torch.randint(size, (2, count), generator=generator)

import re

import networkx as nx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.utils import erdos_renyi_graph, to_undirected

from gclkit.communities import community_strength, edge_scores, node_strength


def two_cliques(size):
    pairs = [(a, b) for a in range(size) for b in range(size) if a != b]
    first = torch.tensor(pairs).T
    return torch.cat([first, first + size], dim=1), torch.arange(2 * size) // size


def test_matches_the_published_numbers(parity):
    csgcl = {key: torch.from_numpy(value) for key, value in parity("csgcl").items()}
    edge_index, membership = csgcl["edge_index"], csgcl["community"]
    strength = community_strength(edge_index, membership, num_nodes=60)
    close = {"rtol": 0, "atol": 1e-6}
    torch.testing.assert_close(strength, csgcl["community_strength"], **close)
    torch.testing.assert_close(
        node_strength(strength, membership), csgcl["node_strength"].double(), **close
    )
    scores = edge_scores(edge_index, membership, strength)
    torch.testing.assert_close(scores, csgcl["edge_score_minmax"], **close)


def test_two_equal_cliques():
    edge_index, membership = two_cliques(5)
    strength = community_strength(edge_index, membership)
    torch.testing.assert_close(strength, torch.full((2,), 0.25, dtype=torch.float64))


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), n=st.integers(3, 25), k=st.integers(1, 4))
def test_sums_to_the_modularity(seed, n, k):
    generator = torch.Generator().manual_seed(seed)
    pairs = torch.triu(torch.rand(n, n, generator=generator) < 0.3, 0).nonzero().T
    pairs = torch.cat([pairs, torch.tensor([[0], [1]])], dim=1).unique(dim=1)
    membership = torch.randint(0, k, (n,), generator=generator)
    weight = torch.rand(pairs.size(1), generator=generator, dtype=torch.float64) + 0.5

    graph = nx.Graph()
    graph.add_nodes_from(range(n))
    for (a, b), w in zip(pairs.T.tolist(), weight.tolist(), strict=True):
        graph.add_edge(a, b, weight=w)
    parts = [set((membership == c).nonzero().flatten().tolist()) for c in range(k)]
    expected = nx.community.modularity(graph, [part for part in parts if part])

    loop = pairs[0] == pairs[1]
    both = torch.cat([pairs, pairs[:, ~loop].flip(0)], dim=1)
    weights = torch.cat([weight, weight[~loop]])
    strength = community_strength(both, membership, edge_weight=weights)
    assert float(strength.sum()) == pytest.approx(expected, abs=1e-12)


def test_renaming_communities_renames_the_strengths():
    edge_index = to_undirected(erdos_renyi_graph(40, 0.2))
    membership = torch.arange(40) % 3
    names = torch.tensor([2, 0, 1])
    before = community_strength(edge_index, membership)
    after = community_strength(edge_index, names[membership])
    torch.testing.assert_close(after[names], before)


def test_edge_scores_by_hand():
    membership = torch.tensor([0, 0, 1, 1])
    strength = torch.tensor([0.3, 0.1], dtype=torch.float64)
    edge_index = torch.tensor([[0, 2, 1], [1, 3, 2]])
    scores = edge_scores(edge_index, membership, strength)
    expected = (torch.tensor([0.3, 0.1, -0.4]).double() + 0.4) / 0.7
    torch.testing.assert_close(scores, expected)


def test_equal_scores_are_all_one():
    edge_index, membership = two_cliques(4)
    strength = community_strength(edge_index, membership)
    assert (edge_scores(edge_index, membership, strength) == 1).all()


@pytest.mark.parametrize("seed", range(8))
def test_one_community_has_no_strength_whatever_the_weights(seed):
    generator = torch.Generator().manual_seed(seed)
    edge_index = to_undirected(torch.randint(0, 30, (2, 90), generator=generator))
    weight = torch.rand(30, 30, generator=generator, dtype=torch.float64)
    weight = (weight + weight.T)[edge_index[0], edge_index[1]]
    membership = torch.zeros(30, dtype=torch.long)
    strength = community_strength(edge_index, membership, edge_weight=weight)
    assert strength.tolist() == [0.0]


def test_no_edges_no_strength():
    empty = torch.empty(2, 0, dtype=torch.int64)
    membership = torch.tensor([0, 1, 1])
    assert community_strength(empty, membership).tolist() == [0.0, 0.0]
    assert edge_scores(empty, membership, torch.zeros(2)).numel() == 0


@pytest.mark.parametrize(
    ("membership", "num_nodes", "sentence"),
    [
        (torch.tensor([0, -1]), None, "'membership' must be non-negative (got -1)"),
        (
            torch.tensor([0]),
            None,
            "'edge_index' must be node indices from 0 to 0 (got 1)",
        ),
        (torch.tensor([0, 1]), 3, "'membership' must be of length num_nodes=3 (got 2)"),
        (
            torch.tensor([0.0, 1.0]),
            None,
            "'membership' must be a vector of int64 community labels, one per node "
            "(got (torch.float32, (2,)))",
        ),
    ],
)
def test_refuses_what_is_no_membership(membership, num_nodes, sentence):
    edge_index = torch.tensor([[0, 1], [1, 0]])
    with pytest.raises(ValueError, match=f"^{re.escape('community_strength: ' + sentence)}$"):
        community_strength(edge_index, membership, num_nodes=num_nodes)


@pytest.mark.parametrize(
    ("weight", "sentence"),
    [
        ([1.0, torch.nan], "finite (got '1 of 2 entries NaN or infinite')"),
        ([-1.0, -1.0], "not negative (got -1.0)"),
    ],
)
def test_refuses_weights_that_are_no_strength_of_edges(weight, sentence):
    edge_index, membership = torch.tensor([[0, 1], [1, 0]]), torch.tensor([0, 1])
    with pytest.raises(ValueError) as refusal:
        community_strength(edge_index, membership, edge_weight=torch.tensor(weight))
    assert str(refusal.value) == f"community_strength: 'edge_weight' must be {sentence}"

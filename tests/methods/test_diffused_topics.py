import numpy as np
import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.nn import APPNP

from gclkit.methods import diffused_topics
from gclkit.testing.graphs import random_graph


@pytest.fixture
def words():
    """A graph whose features count words, with a node that has no edge."""
    generator = np.random.default_rng(3)
    counts = generator.poisson(0.6, (40, 15)).astype(np.float64)
    counts[:, 0] = 0.0  # A word that nobody uses.
    counts[np.arange(40), 1 + np.arange(40) % 14] += 1.0
    source, target = generator.integers(0, 39, (2, 70))
    source, target = source[source != target], target[source != target]
    edge_index = torch.from_numpy(np.stack([source, target]))
    edge_index = torch.cat([edge_index, edge_index.flip(0)], dim=1).unique(dim=1)
    return Data(x=torch.from_numpy(counts), edge_index=edge_index)


def topics_by_hand(counts, dim):
    used = (counts > 0).sum(axis=0)
    weighted = counts * (np.log((1 + len(counts)) / (1 + used)) + 1)
    weighted /= np.linalg.norm(weighted, axis=1, keepdims=True)
    left, values, _ = np.linalg.svd(weighted - weighted.mean(axis=0))
    topics = left[:, :dim] * values[:dim]
    return topics / np.linalg.norm(topics, axis=1, keepdims=True)


def diffused_by_hand(data, topics, *, alpha, neighbors, weight):
    n = len(topics)
    adjacency = np.zeros((n, n))
    adjacency[data.edge_index[1], data.edge_index[0]] = 1.0
    similarity = topics @ topics.T
    np.fill_diagonal(similarity, -np.inf)
    for node, near in enumerate(np.argsort(-similarity, axis=1)[:, :neighbors]):
        adjacency[node, near] += weight
        adjacency[near, node] += weight
    adjacency += np.eye(n)
    scale = adjacency.sum(axis=1) ** -0.5
    adjacency = scale[:, None] * adjacency * scale
    return alpha * np.linalg.solve(np.eye(n) - (1 - alpha) * adjacency, topics)


@pytest.mark.parametrize(("neighbors", "weight"), [(3, 0.3), (0, 0.7)])
def test_many_steps_solve_for_pagerank_of_principal_components(words, neighbors, weight):
    topics = topics_by_hand(words.x.numpy(), 6)
    expected = diffused_by_hand(words, topics, alpha=0.2, neighbors=neighbors, weight=weight)
    found = diffused_topics(
        words, 6, alpha=0.2, steps=200, neighbors=neighbors, neighbor_weight=weight
    )
    assert found.shape == (40, 6)
    signs = np.sign((found.numpy() * expected).sum(axis=0))  # A component may point either way.
    torch.testing.assert_close(found, torch.from_numpy(expected * signs))


def test_few_steps_are_those_of_appnp(words):
    words.edge_weight = torch.linspace(0.5, 2.0, words.num_edges, dtype=torch.float64)
    topics = diffused_topics(words, 6, alpha=1.0, neighbors=0)
    torch.testing.assert_close(topics.norm(dim=1), torch.ones(40, dtype=torch.float64))
    expected = APPNP(K=4, alpha=0.3)(topics, words.edge_index, words.edge_weight)
    found = diffused_topics(words, 6, alpha=0.3, steps=4, neighbors=0)
    torch.testing.assert_close(found, expected)


def test_similar_nodes_reach_a_node_without_edges(words):
    alone = diffused_topics(words, 6, neighbors=0)[39]
    topics = diffused_topics(words, 6, alpha=1.0)[39]
    torch.testing.assert_close(alone, topics)
    reached = diffused_topics(words, 6, neighbors=4)[39]
    assert torch.cosine_similarity(reached, topics, dim=0) < 0.999


def test_sparse_features_equal_dense_ones_and_so_does_another_call():
    data = random_graph(30, 12, sparse=True)
    dense = data.clone()
    dense.x = data.x.to_dense()
    found = diffused_topics(data, neighbors=5)
    assert found.shape == (30, 11)  # As many as there are.
    torch.testing.assert_close(found, diffused_topics(dense, neighbors=5))
    assert torch.equal(found, diffused_topics(data, neighbors=5))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dim": 0}, "'dim' must be an integer of at least 1"),
        ({"alpha": 1.2}, "'alpha' must be a probability"),
        ({"steps": 0}, "'steps' must be an integer of at least 1"),
        ({"neighbors": -1}, "'neighbors' must be an integer of at least 0"),
        ({"neighbors": 40}, "'neighbors' must be less than the 40 nodes"),
        ({"neighbor_weight": 0.0}, "'neighbor_weight' must be a positive number"),
    ],
)
def test_refuses_settings_out_of_range(words, settings, message):
    with pytest.raises(ValueError, match=f"^diffused_topics: {message}"):
        diffused_topics(words, **settings)


def test_takes_two_features_and_refuses_a_single_one(words):
    words.x = words.x[:, 3:5]
    assert diffused_topics(words).shape == (40, 1)
    words.x = words.x[:, :1]
    with pytest.raises(ValueError, match=r"^diffused_topics: 'x' must be of two nodes and two"):
        diffused_topics(words)


@pytest.mark.parametrize("row", [[0.0, 0.0, 0.0], [1.0, 0.0, 2.0]])
def test_refuses_features_that_tell_nothing(words, row):
    words.x = torch.outer(torch.arange(1.0, 41.0), torch.tensor(row))
    with pytest.raises(ValueError, match=r"^diffused_topics: 'x' must be features by which nodes "):
        diffused_topics(words)


def test_a_node_without_features_is_told_by_its_neighbours(words):
    words.x[3] = 0.0
    assert diffused_topics(words, 6, neighbors=2).isfinite().all()

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from gclkit.encoders.adjacency import gcn_adjacency
from gclkit.methods import controls
from gclkit.methods import leading_eigenvectors as module
from gclkit.methods.leading_eigenvectors import leading_eigenvectors


def edges_of(graph):
    edge_index = torch.tensor(list(graph.edges)).T
    return torch.cat([edge_index, edge_index.flip(0)], dim=1)


def make_adjacency():
    """A graph in which twelve components share the largest eigenvalue."""
    graph = nx.disjoint_union_all(
        [nx.connected_watts_strogatz_graph(500, 6, 0.2, seed=1), *(nx.cycle_graph(4),) * 11]
    )
    n = graph.number_of_nodes()
    return gcn_adjacency(edges_of(graph), None, n, dtype=torch.float64)


def test_finds_equal_eigenvalues_and_those_below(monkeypatch):
    monkeypatch.setattr(module, "_LANCZOS_NODES", 100)
    adjacency = make_adjacency()
    values, vectors = leading_eigenvectors(adjacency, 20)
    order = np.argsort(-values)
    values, vectors = values[order], vectors[:, order]
    expected = np.linalg.eigvalsh(adjacency.to_dense().numpy())[::-1][:20]
    assert np.allclose(expected[:12], 1) and expected[12] < 0.99
    assert vectors.dtype == np.float32 and np.allclose(values, expected, atol=1e-4)
    residual = adjacency.to_dense().numpy() @ vectors - vectors * values
    assert np.linalg.norm(residual, axis=0).max() <= 2e-3
    assert np.allclose(vectors.T @ vectors, np.eye(20), atol=1e-4)


def test_is_the_same_twice_and_leaves_the_global_state(monkeypatch):
    monkeypatch.setattr(module, "_LANCZOS_NODES", 100)
    adjacency, before = make_adjacency(), np.random.get_state()[1].copy()
    one, two = (leading_eigenvectors(adjacency, 5, seed=3)[1] for _ in range(2))
    assert np.array_equal(one, two)
    assert np.array_equal(before, np.random.get_state()[1])


def test_says_that_it_did_not_converge(monkeypatch):
    monkeypatch.setattr(module, "_LANCZOS_NODES", 100)
    monkeypatch.setattr(module, "_STEPS", 2)
    with pytest.raises(ValueError) as error:
        leading_eigenvectors(make_adjacency(), 20)
    assert str(error.value).startswith(
        "spectral_embedding: 'dim' must be a number of eigenvectors that 2 steps find to 0.002 "
        "(got '20, found to 0."
    )


@pytest.mark.parametrize("dim", [3, 40])
def test_the_control_of_a_large_graph_is_that_of_a_small_one(monkeypatch, dim):
    graph = nx.stochastic_block_model([150, 200, 250], np.eye(3) * 0.08 + 0.01, seed=0)
    data = Data(edge_index=edges_of(graph), num_nodes=600)
    exact = controls.spectral_embedding(data, dim=dim)
    monkeypatch.setattr(module, "_LANCZOS_NODES", 100)
    found = controls.spectral_embedding(data, dim=dim)
    assert not torch.equal(found, exact)
    torch.testing.assert_close(found[:, :3], exact[:, :3], atol=2e-2, rtol=0)

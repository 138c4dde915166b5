import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from gclkit.encoders.adjacency import gcn_adjacency
from gclkit.methods import controls
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


def test_finds_equal_eigenvalues_and_those_below():
    adjacency = make_adjacency()
    values, vectors = leading_eigenvectors(adjacency, 20, tolerance=1e-4)
    expected = np.linalg.eigvalsh(adjacency.to_dense().numpy())[::-1][:20]
    assert np.allclose(expected[:12], 1) and expected[12] < 0.99
    assert np.allclose(values, expected, atol=1e-5)
    vectors = vectors.double()
    residual = (adjacency @ vectors - vectors * values).norm(dim=0)
    assert float(residual.max()) <= 1.1e-4
    torch.testing.assert_close(
        vectors.T @ vectors, torch.eye(20, dtype=torch.float64), atol=1e-5, rtol=0
    )


def test_is_the_same_twice_and_leaves_the_global_state():
    adjacency, before = make_adjacency(), torch.random.get_rng_state()
    one, two = (leading_eigenvectors(adjacency, 5, seed=3)[1] for _ in range(2))
    assert torch.equal(one, two)
    assert torch.equal(before, torch.random.get_rng_state())


def test_no_wider_than_the_graph():
    adjacency = gcn_adjacency(edges_of(nx.path_graph(6)), None, 6, dtype=torch.float64)
    values, _ = leading_eigenvectors(adjacency, 5)
    assert np.allclose(values, np.linalg.eigvalsh(adjacency.to_dense().numpy())[:0:-1], atol=1e-5)


def test_says_that_it_did_not_converge():
    with pytest.raises(ValueError) as error:
        leading_eigenvectors(make_adjacency(), 20, tolerance=1e-9, max_steps=2)
    assert str(error.value).startswith(
        "spectral_embedding: 'dim' must be so few that 2 steps find them with residuals "
        "of at most 1e-09 (got '20, a residual of "
    )


def test_the_control_of_a_large_graph_is_that_of_a_small_one(monkeypatch):
    graph = nx.stochastic_block_model([150, 200, 250], np.eye(3) * 0.08 + 0.01, seed=0)
    data = Data(edge_index=edges_of(graph), num_nodes=600)
    exact = controls.spectral_embedding(data, dim=3)
    monkeypatch.setattr(controls, "_LANCZOS_NODES", 100)
    found = controls.spectral_embedding(data, dim=3)
    assert not torch.equal(found, exact)
    torch.testing.assert_close(found, exact, atol=2e-2, rtol=0)

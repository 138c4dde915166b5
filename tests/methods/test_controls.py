import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.nn import APPNP, SGConv

from gclkit.methods.controls import (
    diffused_features,
    features_by_hop,
    propagated_features,
    spectral_embedding,
)
from gclkit.testing.graphs import random_graph


@pytest.mark.parametrize("hops", [1, 3])
def test_is_the_propagation_of_sgc(hops):
    data = random_graph(25, 7, weighted=True, seed=2)
    conv = SGConv(7, 7, K=hops, bias=False)
    with torch.no_grad():
        conv.lin.weight.copy_(torch.eye(7))
    expected = conv(data.x, data.edge_index, data.edge_weight).detach()
    torch.testing.assert_close(propagated_features(data, hops), expected)


def test_sparse_features_equal_dense_ones():
    data = random_graph(30, 8, sparse=True)
    dense = data.clone()
    dense.x = data.x.to_dense()
    torch.testing.assert_close(propagated_features(data), propagated_features(dense))


def test_hops_stand_side_by_side_with_rows_of_unit_length():
    data = random_graph(25, 7, weighted=True, seed=2)
    blocks = features_by_hop(data, hops=3).split(7, dim=1)
    expected = [data.x, *(propagated_features(data, hops) for hops in (1, 2, 3))]
    for block, alone in zip(blocks, expected, strict=True):
        torch.testing.assert_close(block, torch.nn.functional.normalize(alone))
    with pytest.raises(ValueError, match=r"^features_by_hop: 'hops' must be an integer"):
        features_by_hop(data, hops=0)


def test_diffusion_is_the_propagation_of_appnp():
    data = random_graph(25, 7, weighted=True, seed=2)
    unit = torch.nn.functional.normalize(data.x)
    expected = APPNP(K=5, alpha=0.3)(unit, data.edge_index, data.edge_weight)
    torch.testing.assert_close(diffused_features(data, 0.3, steps=5), expected)


def test_many_steps_of_diffusion_solve_for_personalised_pagerank():
    data = random_graph(25, 7, seed=2)
    data.x = data.x.double()
    adjacency = APPNP(K=1, alpha=0.0)(torch.eye(25).double(), data.edge_index)
    expected = torch.linalg.solve(
        torch.eye(25) - 0.8 * adjacency, 0.2 * torch.nn.functional.normalize(data.x)
    )
    torch.testing.assert_close(diffused_features(data, 0.2, steps=200), expected)


@pytest.mark.parametrize("n", [60, 700])
def test_columns_are_the_leading_eigenvectors(n):
    graph = nx.connected_watts_strogatz_graph(n, 6, 0.2, seed=1)
    edge_index = torch.tensor(list(graph.edges)).T
    data = Data(edge_index=torch.cat([edge_index, edge_index.flip(0)], dim=1), num_nodes=n)
    z = spectral_embedding(data, dim=4).double().numpy() / np.sqrt(n)
    matrix = nx.to_numpy_array(graph, nodelist=range(n)) + np.eye(n)
    scale = matrix.sum(axis=0) ** -0.5
    matrix = scale[:, None] * matrix * scale
    values = np.linalg.eigvalsh(matrix)[::-1][:4]
    assert np.allclose(z.T @ z, np.eye(4), atol=1e-4)
    assert np.allclose(matrix @ z, z * values, atol=2e-3)
    assert (z[np.abs(z).argmax(axis=0), range(4)] > 0).all()
    assert torch.equal(spectral_embedding(data, dim=4), spectral_embedding(data, dim=4))


def test_features_and_labels_are_not_read():
    data = random_graph(40, 5)
    bare = Data(edge_index=data.edge_index, num_nodes=40)
    assert torch.equal(spectral_embedding(data, dim=6), spectral_embedding(bare, dim=6))


def test_no_more_columns_than_nodes_but_one():
    assert spectral_embedding(random_graph(12, 4), dim=128).shape == (12, 11)


def test_refusals():
    with pytest.raises(ValueError) as error:
        propagated_features(random_graph(), hops=0)
    assert str(error.value) == (
        "propagated_features: 'hops' must be an integer of at least 1 (got 0)"
    )
    with pytest.raises(ValueError, match=r"^diffused_features: 'alpha' must be a probability"):
        diffused_features(random_graph(), alpha=1.2)
    data = random_graph()
    data.edge_index = data.edge_index[:, :3]
    with pytest.raises(ValueError, match="undirected"):
        spectral_embedding(data)


def test_by_default_eigenvectors_are_few_beside_the_nodes():
    assert spectral_embedding(random_graph(96, 4)).shape == (96, 6)
    assert spectral_embedding(random_graph(12, 4)).shape == (12, 1)

import pytest
import torch
import torch_geometric.nn as pyg
from torch_geometric.utils import erdos_renyi_graph, to_edge_index

from gclkit.encoders import GCNConv, gcn_adjacency


@pytest.fixture
def layers():
    torch.manual_seed(0)
    ours, theirs = GCNConv(7, 5).double(), pyg.GCNConv(7, 5).double()
    theirs.load_state_dict(ours.state_dict())
    with torch.no_grad():
        ours.bias.copy_(torch.linspace(-1, 1, 5))
        theirs.bias.copy_(ours.bias)
    return ours, theirs


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("shared", [False, True])
def test_value_and_gradients_are_those_of_pyg(layers, sparse, shared):
    ours, theirs = layers
    edge_index = erdos_renyi_graph(15, 0.3, directed=True)
    x = torch.randn(15, 7, dtype=torch.float64).relu()
    adjacency = gcn_adjacency(edge_index, None, 15, dtype=x.dtype) if shared else None
    out = ours(x.to_sparse_csr() if sparse else x, edge_index, adjacency=adjacency)
    expected = theirs(x, edge_index)
    torch.testing.assert_close(out, expected)
    for a, b in zip(
        torch.autograd.grad(out.square().sum(), ours.parameters()),
        torch.autograd.grad(expected.square().sum(), theirs.parameters()),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


def test_gradients_to_features_and_to_edge_weights(layers):
    ours, theirs = layers
    edge_index = erdos_renyi_graph(12, 0.4)
    results = []
    for layer in (ours, theirs):
        torch.manual_seed(1)
        x = torch.randn(12, 7, dtype=torch.float64, requires_grad=True)
        weight = torch.rand(edge_index.size(1), dtype=torch.float64, requires_grad=True)
        out = layer(x, edge_index, weight)
        results.append(torch.autograd.grad(out.square().sum(), (x, weight)))
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b)
    x = torch.randn(12, 7, dtype=torch.float64, requires_grad=True)
    grads = [torch.autograd.grad(f(x, edge_index).sin().sum(), x)[0] for f in (ours, theirs)]
    torch.testing.assert_close(*grads)


@pytest.mark.parametrize("weighted", [False, True])
def test_several_self_loops_count_once_with_and_without_gradients(layers, weighted):
    ours, theirs = layers
    edge_index = torch.tensor([[0, 1, 1, 2, 2, 1, 2, 1], [1, 0, 1, 1, 2, 2, 2, 1]])
    x = torch.randn(4, 7, dtype=torch.float64)
    weight = torch.rand(8, dtype=torch.float64) + 0.2 if weighted else None
    expected = theirs(x, edge_index, weight)
    torch.testing.assert_close(ours(x, edge_index, weight), expected)
    if weight is not None:
        torch.testing.assert_close(ours(x, edge_index, weight.requires_grad_()), expected)


def test_a_sparse_matrix_is_not_taken_for_a_normalised_one(layers):
    ours, theirs = layers
    edge_index = erdos_renyi_graph(12, 0.3, directed=True)
    x = torch.randn(12, 7, dtype=torch.float64)
    adj_t = torch.zeros(12, 12, dtype=torch.float64)
    adj_t[edge_index[1], edge_index[0]] = 1
    adj_t = adj_t.to_sparse_csr()
    with pytest.raises(ValueError) as error:
        ours(x, adj_t)
    assert str(error.value) == (
        "GCNConv: 'edge_index' must be a tensor [2, e]; of a sparse adj_t it is PyG's "
        "to_edge_index(adj_t)[0].flip(0) (got torch.sparse_csr)"
    )
    torch.testing.assert_close(ours(x, to_edge_index(adj_t)[0].flip(0)), theirs(x, edge_index))


def test_narrow_products_in_training_only():
    conv = GCNConv(30, 20, precision="bfloat16")
    exact = GCNConv(30, 20)
    exact.load_state_dict(conv.state_dict())
    x, edge_index = torch.randn(9, 30), torch.tensor([[0, 1, 2], [1, 2, 0]])
    found, wanted = conv(x, edge_index), exact(x, edge_index)
    assert 0 < (found - wanted).abs().max() < 0.05
    assert torch.equal(conv.eval()(x, edge_index), wanted)


def test_autocast_narrows_the_dense_product_alone():
    conv, edge_index = GCNConv(30, 20), erdos_renyi_graph(9, 0.5)
    x = torch.randn(9, 30)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = conv(x.bfloat16(), edge_index)
        weight = torch.rand(edge_index.size(1), requires_grad=True)
        assert conv(x, edge_index, weight).dtype == torch.float32
    h = (x.bfloat16() @ conv.lin.weight.bfloat16().t()).float()
    torch.testing.assert_close(out, gcn_adjacency(edge_index, None, 9) @ h + conv.bias)
    with pytest.raises(ValueError, match=r"^GCNConv: 'x' must be of dtype torch.float32 \(got"):
        conv(x.bfloat16(), edge_index)


@pytest.mark.parametrize("name", ["in_channels", "out_channels"])
def test_refuses_a_width_below_1(name):
    with pytest.raises(ValueError) as error:
        GCNConv(**{"in_channels": 3, "out_channels": 2, name: -1})
    assert str(error.value) == f"GCNConv: '{name}' must be an integer of at least 1 (got -1)"


def test_refuses_an_unknown_precision():
    with pytest.raises(ValueError) as error:
        GCNConv(3, 2, precision="fp8")
    assert str(error.value) == (
        "GCNConv: 'precision' must be one of ['bfloat16', 'float32'] (got 'fp8')"
    )

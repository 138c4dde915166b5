import pytest
import torch
import torch_geometric.nn as pyg
from torch_geometric.utils import erdos_renyi_graph

from gclkit.encoders import GCNEncoder, GNNEncoder


@pytest.fixture
def view():
    torch.manual_seed(0)
    return torch.randn(20, 6).relu(), erdos_renyi_graph(20, 0.25)


def test_is_the_stack_of_the_papers(view):
    x, edge_index = view
    encoder = GCNEncoder(6, 4, activation="prelu")
    first, second = pyg.GCNConv(6, 8), pyg.GCNConv(8, 4)
    first.load_state_dict(encoder.convs[0].state_dict())
    second.load_state_dict(encoder.convs[1].state_dict())
    h = torch.nn.functional.prelu(first(x, edge_index), torch.tensor([0.25]))
    expected = torch.nn.functional.prelu(second(h, edge_index), torch.tensor([0.25]))
    torch.testing.assert_close(encoder(x, edge_index), expected)


def test_the_last_activation_may_be_left_out(view):
    x, edge_index = view
    torch.manual_seed(3)
    with_all = GCNEncoder(6, 4, activation="elu")
    without = GCNEncoder(6, 4, activation="elu", final_activation=False)
    without.load_state_dict(with_all.state_dict())
    z = without(x, edge_index)
    torch.testing.assert_close(torch.nn.functional.elu(z), with_all(x, edge_index))
    assert [type(module).__name__ for module in without.activations] == ["ELU", "Identity"]


@pytest.mark.parametrize("conv", ["gat", "gcn", "gin", "sage"])
@pytest.mark.parametrize("norm", [None, "batch", "layer"])
def test_every_convolution_and_norm_trains(view, conv, norm):
    x, edge_index = view
    encoder = GNNEncoder(6, 4, num_layers=3, hidden_channels=5, norm=norm, conv=conv)
    z = encoder(x, edge_index)
    assert z.shape == (20, 4)
    z.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in encoder.parameters())
    sparse = encoder(x.to_sparse_csr(), edge_index)
    torch.testing.assert_close(sparse, z)


def test_layers_replay_to_the_output(view):
    x, edge_index = view
    encoder = GCNEncoder(6, 4, norm="layer")
    h = x
    for conv, *rest in encoder.layers():
        h = conv(h, edge_index)
        for module in rest:
            h = module(h)
    torch.testing.assert_close(h, encoder(x, edge_index))


def test_permuting_the_nodes_permutes_the_embeddings(view):
    x, edge_index = view
    encoder = GCNEncoder(6, 4)
    order = torch.randperm(20)
    place = torch.empty(20, dtype=torch.int64)
    place[order] = torch.arange(20)
    torch.testing.assert_close(encoder(x[order], place[edge_index]), encoder(x, edge_index)[order])


def test_edge_weights_count_and_may_carry_a_gradient(view):
    x, edge_index = view
    encoder = GCNEncoder(6, 4)
    weight = torch.rand(edge_index.size(1)) + 0.1
    weighted = encoder(x, edge_index, weight)
    assert not torch.allclose(weighted, encoder(x, edge_index))
    weight.requires_grad_()
    learned = encoder(x, edge_index, weight)
    torch.testing.assert_close(learned, weighted)
    learned.sum().backward()
    assert weight.grad.abs().sum() > 0


def test_resetting_under_a_seed_repeats(view):
    encoder = GCNEncoder(6, 4, activation="prelu", norm="batch")
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        encoder.reset_parameters()
        states.append({k: v.clone() for k, v in encoder.state_dict().items()})
        encoder.activations[0].weight.data.fill_(0.9)
        encoder.norms[0].weight.data.fill_(0.9)
    assert all(torch.equal(states[0][k], states[1][k]) for k in states[0])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"num_layers": 0}, "'num_layers' must be an integer of at least 1"),
        ({"activation": "tanh"}, "'activation' must be one of"),
        ({"norm": "instance"}, r"'norm' must be one of \['batch', 'layer'\] \(got 'instance'\)"),
        ({"conv": "cheb"}, r"'conv' must be one of \['gat', 'gcn', 'gin', 'sage'\]"),
        ({"conv": "sage"}, r"'conv' must be 'gcn'; GNNEncoder has others \(got 'sage'\)$"),
        ({"hidden_channels": 0.5}, "'hidden_channels' must be an integer"),
    ],
)
def test_refusals(options, sentence):
    with pytest.raises(ValueError, match=f"^GCNEncoder: {sentence}"):
        GCNEncoder(6, 4, **options)


@pytest.mark.parametrize("conv", ["gat", "gin", "sage"])
def test_weights_that_a_convolution_does_not_read_are_refused(view, conv):
    x, edge_index = view
    encoder = GNNEncoder(6, 4, conv=conv)
    with pytest.raises(ValueError) as error:
        encoder(x, edge_index, torch.ones(edge_index.size(1)))
    assert str(error.value) == (
        f"GNNEncoder: 'edge_weight' must be None with conv='{conv}', which takes no weights "
        f"(got ({edge_index.size(1)},))"
    )


def test_the_batch_norm_of_one_row_is_refused_in_training_only():
    encoder = GCNEncoder(6, 4, norm="batch")
    one = torch.randn(1, 6), torch.empty(2, 0, dtype=torch.int64)
    with pytest.raises(ValueError) as error:
        encoder(*one)
    assert str(error.value) == (
        "GCNEncoder: 'x' must be of two rows or more for the batch norm (got 1)"
    )
    assert encoder.eval()(*one).shape == (1, 4)
    encoder.train()(torch.randn(2, 6), one[1])


@pytest.mark.parametrize("conv", ["gat", "gcn", "gin", "sage"])
def test_autocast_takes_what_a_layer_before_has_narrowed(view, conv):
    x, edge_index = view
    encoder, before = GNNEncoder(6, 4, conv=conv), torch.nn.Linear(6, 6)
    exact = encoder(before(x), edge_index)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        h = before(x)
        z = encoder(h, edge_index)
    assert h.dtype == torch.bfloat16
    torch.testing.assert_close(z.float(), exact, rtol=0.1, atol=0.1)
    with pytest.raises(ValueError, match=r"^GNNEncoder: 'x' must be of dtype torch.float32"):
        encoder(h, edge_index)


@pytest.mark.parametrize("conv", ["gin", "sage"])
def test_exports_where_pyg_does(view, conv):
    encoder = GNNEncoder(6, 4, conv=conv).eval()
    exported = torch.export.export(encoder, view).module()
    torch.testing.assert_close(exported(*view), encoder(*view))

import pytest
import torch

from gclkit.methods import DGI
from gclkit.methods.node_summary import summarize_nodes


@pytest.fixture
def method(graph):
    torch.manual_seed(0)
    method = DGI(8, out_channels=6)
    method.prepare(graph, torch.Generator().manual_seed(1))
    return method


def test_a_step_tells_the_graph_from_the_shuffled_one(graph, method):
    out = method.step(graph, 1)
    (view, corrupted), (z, noise) = out.views, out.embeddings
    assert view is graph and torch.equal(corrupted.edge_index, graph.edge_index)
    order = torch.randperm(36, generator=torch.Generator().manual_seed(1))
    assert torch.equal(corrupted.x, graph.x[order])
    expected = method.discriminator(z, noise, summarize_nodes(z))
    torch.testing.assert_close(out.loss, expected)
    assert out.terms["node_summary"] == out.loss


def test_is_one_layer_with_a_prelu_by_default(method):
    (layer,) = method.encoder.layers()
    assert isinstance(layer[1], torch.nn.PReLU)
    assert DGI(8).encoder.out_channels == 512
    assert len(DGI(8, num_layers=3, hidden_channels=4).encoder.layers()) == 3


def test_edge_weights_are_carried_through(graph, method):
    weighted = graph.clone()
    weighted.edge_weight = torch.rand(graph.num_edges) + 0.5
    _, corrupted = method.step(weighted, 1).views
    assert torch.equal(corrupted.edge_weight, weighted.edge_weight)
    assert not torch.equal(method.embed(weighted), method.embed(graph))


def test_refusals():
    with pytest.raises(ValueError) as error:
        DGI(8, out_channels=0)
    assert str(error.value) == "GNNEncoder: 'out_channels' must be an integer of at least 1 (got 0)"

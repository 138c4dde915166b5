import pytest
import torch

from gclkit.encoders import view_features
from gclkit.methods.uniform_views import UniformViews


class Sum(UniformViews):
    def objective(self, z1, z2):
        loss = (z1 + z2).sum()
        return loss, {"sum": loss.detach()}


def test_the_rates_are_those_of_each_view(graph):
    method = Sum(8, out_channels=6, edge_p=(0.0, 1.0), feature_p=(1.0, 0.0))
    method.prepare(graph, torch.Generator().manual_seed(1))
    out = method.step(graph, 1)
    first, second = out.views
    assert first.num_edges == graph.num_edges and view_features(first).abs().sum() == 0
    assert second.num_edges == 0 and torch.equal(view_features(second), graph.x)
    torch.testing.assert_close(out.loss, sum(out.embeddings).sum())


def test_views_come_from_the_generator_alone(graph):
    method, edges = Sum(8), []
    for _ in range(2):
        method.prepare(graph, torch.Generator().manual_seed(4))
        edges.append(method.step(graph, 1).views[0].edge_index)
        torch.rand(7)
    assert torch.equal(*edges)


@pytest.mark.parametrize(("options", "together"), [({}, False), ({"symmetric": True}, True)])
def test_both_directions_may_go_together(graph, options, together):
    method = Sum(8, **options)
    method.prepare(graph, torch.Generator().manual_seed(4))
    pairs = set(map(tuple, method.step(graph, 1).views[1].edge_index.T.tolist()))
    assert (pairs == {(v, u) for u, v in pairs}) == together


def test_a_method_must_define_its_objective(graph):
    rule = r"^UniformViews: a method must define objective\(z1, z2\)$"
    with pytest.raises(TypeError, match=rule):
        UniformViews(8).step(graph, 1)


def test_refusals():
    with pytest.raises(ValueError) as error:
        Sum(8, edge_p=(0.1, 1.1))
    assert str(error.value) == "Sum: 'edge_p' must be a probability in [0, 1] (got 1.1)"
    with pytest.raises(ValueError) as error:
        Sum(8, feature_p=0.1)
    assert (
        str(error.value)
        == "Sum: 'feature_p' must be one probability per view, two in all (got 0.1)"
    )

import pytest
import torch

from gclkit.bounds import edge_budget
from gclkit.encoders import view_features
from gclkit.losses import infonce
from gclkit.methods import GRACE


@pytest.fixture
def method(graph):
    torch.manual_seed(0)
    method = GRACE(8, out_channels=6, projection_channels=5, temperature=0.7)
    method.prepare(graph, torch.Generator().manual_seed(1))
    return method


def test_a_step_is_the_loss_of_its_own_views(graph, method):
    out = method.step(graph, 1)
    assert len(out.views) == len(out.embeddings) == 2
    for view, z in zip(out.views, out.embeddings, strict=True):
        assert view.num_edges < graph.num_edges
        torch.testing.assert_close(method.encoder(view_features(view), view.edge_index), z)
    expected = infonce(*map(method.projector, out.embeddings), temperature=0.7)
    torch.testing.assert_close(out.loss, expected)
    assert out.terms["contrast"] == out.loss and not out.terms["contrast"].requires_grad


def test_the_gradient_reaches_every_parameter(graph, method):
    method.step(graph, 1).loss.backward()
    assert all(p.grad.abs().sum() > 0 for p in method.parameters())


def test_the_rates_are_those_of_each_view(graph):
    method = GRACE(8, edge_p=(0.0, 1.0), feature_p=(1.0, 0.0))
    method.prepare(graph, torch.Generator().manual_seed(1))
    first, second = method.step(graph, 1).views
    assert first.num_edges == graph.num_edges and view_features(first).abs().sum() == 0
    assert second.num_edges == 0 and torch.equal(view_features(second), graph.x)


@pytest.mark.parametrize(("options", "together"), [({}, False), ({"symmetric": True}, True)])
def test_both_directions_may_go_together(graph, options, together):
    method = GRACE(8, edge_p=(0.5, 0.5), **options)
    method.prepare(graph, torch.Generator().manual_seed(1))
    assert all(view.is_undirected() == together for view in method.step(graph, 1).views)


def test_budgeted_views_stay_within_the_budgets(graph):
    method = GRACE(8, out_channels=6, edge_p=(0.6, 0.4), edge_drop="budgeted")
    method.prepare(graph, torch.Generator().manual_seed(1))
    degree = torch.bincount(graph.edge_index[1], minlength=graph.num_nodes)
    for view, p in zip(method.step(graph, 1).views, (0.6, 0.4), strict=True):
        lost = degree - torch.bincount(view.edge_index[1], minlength=graph.num_nodes)
        assert lost.sum() > 0 and (lost <= edge_budget(degree, p)).all()
        assert view.is_undirected()


def test_edge_weights_are_carried_through(graph):
    graph.edge_weight = torch.rand(graph.num_edges) + 0.5
    method = GRACE(8, out_channels=6, edge_p=(0.5, 0.5))
    method.prepare(graph, torch.Generator().manual_seed(1))
    view = method.step(graph, 1).views[0]
    assert view.edge_weight.numel() == view.num_edges
    weightless = graph.clone()
    del weightless.edge_weight
    assert not torch.equal(method.embed(graph), method.embed(weightless))


def test_views_come_from_the_generator_alone(graph, method):
    losses = []
    for _ in range(2):
        method.prepare(graph, torch.Generator().manual_seed(4))
        losses.append(method.step(graph, 1).loss.item())
        torch.rand(7)
    assert losses[0] == losses[1]


def test_a_batch_of_nodes_works(graph, method):
    batch = graph.subgraph(torch.arange(20))
    assert method.step(batch, 1).embeddings[0].shape == (20, 6)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"edge_p": 0.3}, "'edge_p' must be one probability per view, two in all (got 0.3)"),
        ({"edge_p": (0.3, 1.3)}, "'edge_p' must be a probability in [0, 1] (got 1.3)"),
        (
            {"feature_p": (0.1, 0.2, 0.3)},
            "'feature_p' must be one probability per view, two in all (got (0.1, 0.2, 0.3))",
        ),
        (
            {"edge_drop": "degree"},
            "'edge_drop' must be one of ['bernoulli', 'budgeted'] (got 'degree')",
        ),
        ({"temperature": 0.0}, "'temperature' must be a positive number (got 0.0)"),
        ({"anchors": 0}, "'anchors' must be an integer of at least 1 (got 0)"),
    ],
)
def test_refusals(options, sentence):
    with pytest.raises(ValueError) as error:
        GRACE(8, **options)
    assert str(error.value) == f"GRACE: {sentence}"

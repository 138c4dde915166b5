import pytest
import torch
from torch_geometric.loader import DataLoader

from gclkit.communities import AddCommunities, detect
from gclkit.losses import infonce, team_up
from gclkit.methods import CSGCL
from gclkit.methods.csgcl import team_up_gamma


@pytest.fixture
def method():
    torch.manual_seed(0)
    return CSGCL(8, out_channels=6, projection_channels=5, gamma_start=10, gamma_max=0.5)


@pytest.mark.parametrize(
    ("epoch", "gamma"), [(1, 0.0), (10, 0.0), (35, 0.25), (60, 0.5), (500, 0.5)]
)
def test_schedule(epoch, gamma):
    assert team_up_gamma(epoch, gamma_start=10, gamma_max=0.5) == pytest.approx(gamma)


def test_prepare_writes_the_communities(graph, method):
    data = method.prepare(graph)
    assert "node_strength" not in graph
    assert torch.equal(data.community, detect(graph, seed=0).membership)
    assert {"node_strength", "edge_score", "edge_score_mean", "feature_score"} <= set(data.keys())


def test_communities_that_the_graph_holds_are_used(graph, method):
    given = AddCommunities(torch.arange(36) % 5)(graph)
    data = method.prepare(given)
    for name in ("community", "node_strength", "edge_score", "edge_score_mean", "feature_score"):
        assert torch.equal(data[name], given[name]), name


def test_communities_of_a_collated_graph_are_used(graph, method):
    (given,) = DataLoader([AddCommunities(torch.arange(36) % 5)(graph)], batch_size=1)
    assert given.edge_score_mean.shape == (1,)
    assert torch.equal(method.prepare(given).community, torch.arange(36) % 5)
    assert method.step(method.prepare(given), 20).loss.isfinite()


@pytest.mark.parametrize("name", ["node_strength", "edge_score", "feature_score"])
def test_communities_of_another_graph_are_detected_anew(graph, method, name):
    given = AddCommunities(torch.arange(36) % 5)(graph)
    detected = detect(graph, seed=0).membership
    given[name] = given[name][..., :-1]
    assert torch.equal(method.prepare(given).community, detected)
    del given[name]
    assert torch.equal(method.prepare(given).community, detected)


def test_teams_up_late(graph, method):
    assert method.delayed_parts() == {"gamma_start": 11}
    assert CSGCL(8, gamma_max=0.0).delayed_parts() == {}
    data = method.prepare(graph, torch.Generator().manual_seed(1))
    early, late = method.step(data, 10), method.step(data, 40)
    h = [method.projector(z) for z in early.embeddings]
    torch.testing.assert_close(early.loss, infonce(*h, temperature=method.temperature))
    h = [method.projector(z) for z in late.embeddings]
    expected = team_up(*h, data.node_strength, gamma=0.3, temperature=method.temperature)
    torch.testing.assert_close(late.loss, expected)


def test_the_gradient_reaches_every_parameter(graph, method):
    data = method.prepare(graph, torch.Generator().manual_seed(1))
    method.step(data, 40).loss.backward()
    assert all(p.grad.abs().sum() > 0 for p in method.parameters())


def test_a_batch_keeps_the_probabilities_of_the_graph(graph, method):
    data = method.prepare(graph, torch.Generator().manual_seed(1))
    batch = data.subgraph(torch.arange(24))
    assert batch.edge_score_mean == data.edge_score_mean
    assert method.step(batch, 40).embeddings[1].shape == (24, 6)


@pytest.mark.parametrize("options", [{}, {"symmetric": True}])
def test_the_settings_are_those_of_each_view(options):
    thresholds = {"edge_threshold": 0.9, "feature_threshold": 0.8}
    method = CSGCL(8, edge_p=(0.2, 0.6), feature_p=(0.1, 0.5), **thresholds, **options)
    for view, edge_p, feature_p in zip(method.augmentations, (0.2, 0.6), (0.1, 0.5), strict=True):
        drop, mask = view.transforms
        assert (drop.p, drop.threshold) == (edge_p, 0.9)
        assert drop.symmetric == options.get("symmetric", False)
        assert (mask.p, mask.threshold) == (feature_p, 0.8)


def test_refusals():
    with pytest.raises(ValueError, match=r"^CSGCL: 'gamma_max' must be a number of at least 0"):
        CSGCL(8, gamma_max=-1.0)
    with pytest.raises(ValueError, match=r"^CommunalEdgeDropping: 'threshold' must be"):
        CSGCL(8, edge_threshold=1.5)
    with pytest.raises(ValueError, match=r"^CSGCL: 'gamma_start' must be an integer"):
        CSGCL(8, gamma_start=-5)

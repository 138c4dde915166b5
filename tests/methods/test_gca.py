import pytest
import torch

from gclkit.augmentations import AddCentrality
from gclkit.encoders import view_features
from gclkit.losses import infonce
from gclkit.methods import GCA


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("centrality", ["degree", "pagerank", "true_pagerank", "eigenvector"])
def test_prepare_writes_the_weights_of_the_measure(graph, centrality):
    data = GCA(8, out_channels=6, centrality=centrality).prepare(graph, seeded())
    expected = AddCentrality(centrality)(graph)
    for key in ("edge_drop_weight", "edge_drop_weight_mean", "feature_drop_weight"):
        assert torch.equal(data[key], expected[key])


def test_dense_features_may_count_by_their_size(graph):
    binary, absolute = (
        GCA(8, absolute_features=choice).prepare(graph).feature_drop_weight
        for choice in (False, True)
    )
    assert binary.eq(1).all() and absolute.std() > 0  # Every feature is used by every node.


def test_a_step_is_the_loss_of_its_own_views(graph):
    torch.manual_seed(0)
    method = GCA(8, out_channels=6, temperature=0.3)
    out = method.step(method.prepare(graph, seeded()), 1)
    expected = infonce(*map(method.projector, out.embeddings), temperature=0.3)
    torch.testing.assert_close(out.loss, expected)


def test_the_rates_and_the_threshold_are_those_of_each_view(graph):
    method = GCA(8, edge_p=(0.0, 1.0), feature_p=(1.0, 0.0), threshold=1.0)
    graph.x[:, 3] = 0
    data = method.prepare(graph, seeded())
    first, second = method.step(data, 1).views
    assert first.num_edges == graph.num_edges and torch.equal(view_features(second), graph.x)
    probable = data.edge_drop_weight / data.edge_drop_weight_mean >= 1
    assert 0 < second.num_edges <= (~probable).sum()
    assert (view_features(first) == 0).all(dim=0)[data.feature_drop_weight[0] >= 1].all()
    safe = GCA(8, edge_p=(1.0, 1.0), threshold=0.0)
    assert safe.step(safe.prepare(graph, seeded()), 1).views[0].num_edges == graph.num_edges


@pytest.mark.parametrize(("options", "together"), [({}, False), ({"symmetric": True}, True)])
def test_both_directions_may_go_together(graph, options, together):
    method = GCA(8, **options)
    view = method.step(method.prepare(graph, seeded()), 1).views[0]
    pairs = set(map(tuple, view.edge_index.T.tolist()))
    assert (pairs == {(v, u) for u, v in pairs}) == together and len(pairs) < graph.num_edges


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"edge_p": 0.3}, "GCA: 'edge_p' must be one probability per view, two in all (got 0.3)"),
        (
            {"feature_p": (0.1, 2.0)},
            "GCA: 'feature_p' must be a probability in [0, 1] (got 2.0)",
        ),
        (
            {"centrality": "closeness"},
            "AddCentrality: 'measure' must be one of ['degree', 'eigenvector', 'pagerank', "
            "'true_pagerank'] (got 'closeness')",
        ),
        (
            {"threshold": 1.5},
            "AdaptiveEdgeDrop: 'threshold' must be a probability in [0, 1] (got 1.5)",
        ),
    ],
)
def test_refusals(options, sentence):
    with pytest.raises(ValueError) as error:
        GCA(8, **options)
    assert str(error.value) == sentence

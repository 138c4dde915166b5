import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.utils import erdos_renyi_graph

from gclkit.communities import AddCommunities, community_strength, edge_scores, feature_scores


@pytest.fixture
def graph():
    torch.manual_seed(1)
    return Data(x=torch.randn(30, 7), edge_index=erdos_renyi_graph(30, 0.2))


def test_writes_what_the_augmentations_read(graph):
    labels = torch.arange(30) % 4
    out = AddCommunities(labels)(graph)
    assert "community" not in graph, "the input is left as it was"
    strength = community_strength(graph.edge_index, labels)
    scores = edge_scores(graph.edge_index, labels, strength)
    torch.testing.assert_close(out.node_strength, strength[labels].float())
    torch.testing.assert_close(out.edge_score, scores.float())
    torch.testing.assert_close(out.edge_score_mean, scores.mean().float())
    torch.testing.assert_close(
        out.feature_score[0], (graph.x.abs().double().T @ strength[labels]).float()
    )
    assert out.is_edge_attr("edge_score") and out.is_node_attr("node_strength")
    assert not out.is_node_attr("feature_score") and not out.is_edge_attr("edge_score_mean")


def test_sparse_features_vote_like_dense_ones(graph):
    strength = torch.linspace(-0.1, 0.4, 30, dtype=torch.float64)
    x = graph.x.relu()
    dense, sparse = feature_scores(x, strength), feature_scores(x.to_sparse_csr(), strength)
    torch.testing.assert_close(sparse, dense)


@pytest.mark.parametrize("n", [1, 3])
def test_a_graph_without_edges_has_uniform_scores(n):
    empty = Data(x=torch.ones(n, 2), edge_index=torch.empty(2, 0, dtype=torch.int64))
    out = AddCommunities()(empty)
    assert out.community.tolist() == list(range(n)) and out.node_strength.tolist() == [0.0] * n
    assert out.edge_score.shape == (0,) and out.edge_score_mean == 1
    assert out.edge_score_mean.dtype == out.feature_score.dtype == torch.float32
    assert out.feature_score.tolist() == [[0.0, 0.0]]


def test_strengths_of_integers_are_refused(graph):
    with pytest.raises(ValueError) as refusal:
        feature_scores(graph.x, torch.ones(30, dtype=torch.int64))
    assert str(refusal.value) == (
        "feature_scores: 'strength' must be of a floating point dtype (got torch.int64)"
    )


def test_works_without_features_and_as_a_name(graph):
    del graph.x
    graph.num_nodes = 30
    transform = AddCommunities("louvain", seed=4)
    out = transform(graph)
    assert "feature_score" not in out and out.community.shape == (30,)
    assert str(transform) == "AddCommunities(algorithm='louvain', seed=4, resolution=1.0)"


def test_other_settings_have_another_repr():
    # PyG compares them, to tell whether a processed dataset is stale.
    labels = torch.tensor([0, 2, 1])
    transforms = [AddCommunities(resolution=1.5), AddCommunities(), AddCommunities(labels)]
    transforms += [AddCommunities(labels.flip(0)), AddCommunities("louvain")]
    assert len({repr(transform) for transform in transforms}) == 5
    assert (
        repr(AddCommunities(labels.int()))
        == repr(AddCommunities(labels))
        == ("AddCommunities(algorithm='given labels 0f004f117335020e', seed=0, resolution=1.0)")
    )


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"algorithm": "infomap"},
            "'algorithm' must be one of ['label_propagation', 'leiden', 'louvain'] (got 'infomap')",
        ),
        ({"seed": -1}, "'seed' must be an integer of at least 0 (got -1)"),
        ({"resolution": 0}, "'resolution' must be a positive number (got 0)"),
        (
            {"algorithm": "louvain", "resolution": 0.5},
            "'resolution' must be at least 1 with 'louvain' ('leiden' takes any) (got 0.5)",
        ),
        (
            {"algorithm": torch.zeros(3, 1).long()},
            "'algorithm' must be a vector of integer labels (got 'torch.int64 of shape (3, 1)')",
        ),
    ],
)
def test_settings_are_checked_at_once(settings, sentence):
    with pytest.raises(ValueError) as refusal:
        AddCommunities(**settings)
    assert str(refusal.value) == f"AddCommunities: {sentence}"


def test_nodes_that_only_labels_tell_of_have_communities():
    edges = torch.tensor([[0, 1], [1, 0]])
    out = AddCommunities(seed=2)(Data(edge_index=edges, y=torch.tensor([0, 1, 0, 1, 0])))
    assert out.community.tolist() == [0, 0, 1, 2, 3] and out.node_strength.shape == (5,)

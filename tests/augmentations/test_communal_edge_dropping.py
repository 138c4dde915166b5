import pytest
import torch
from torch_geometric.data import Batch
from torch_geometric.utils import is_undirected

from gclkit.augmentations import CommunalEdgeDropping, communal_keep_probability
from gclkit.communities import AddCommunities
from gclkit.testing.graphs import planted_partition


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("p", "threshold"), [(0.3, 1.0), (0.7, 1.0), (0.5, 0.7)])
def test_matches_the_published_probabilities(parity, p, threshold):
    csgcl = parity("csgcl")
    score = torch.from_numpy(csgcl["edge_score_minmax"])
    keep = communal_keep_probability(score, p, threshold=threshold)
    expected = torch.from_numpy(csgcl[f"ced_keep_prob__p{p}_thr{threshold}"])
    torch.testing.assert_close(keep, expected, rtol=0, atol=1e-6)


def test_by_hand():
    score = torch.tensor([1.0, 0.5, 0.3, 0.2])
    keep = communal_keep_probability(score, 0.6, threshold=0.75)
    torch.testing.assert_close(keep, torch.tensor([0.8, 0.4, 0.25, 0.25]))


def test_scores_of_zero_mean_uniform_dropping():
    keep = communal_keep_probability(torch.zeros(3), 0.3)
    torch.testing.assert_close(keep, torch.full((3,), 0.7))


def test_drops_by_its_probabilities(graph):
    transform = CommunalEdgeDropping(0.4, generator=seeded(5))
    expected = communal_keep_probability(graph.edge_score, 0.4)
    kept = torch.zeros(graph.num_edges)
    for _ in range(400):
        kept[(transform(graph).edge_weight - 1).long()] += 1
    deviation = (expected * (1 - expected) / 400).sqrt()
    assert ((kept / 400 - expected).abs() <= 5 * deviation + 1e-6).all()


def test_a_part_of_the_graph_is_treated_like_the_graph(graph):
    part = graph.edge_subgraph(graph.edge_score > 0.5)
    keep = communal_keep_probability(part.edge_score, 0.5, mean=graph.edge_score_mean)
    whole = communal_keep_probability(graph.edge_score, 0.5)[graph.edge_score > 0.5]
    torch.testing.assert_close(keep, whole)
    view = CommunalEdgeDropping(0.5, generator=seeded())(part)
    assert view.edge_drop_rate == pytest.approx(1 - float(whole.mean()), abs=0.1)


def test_graphs_of_a_batch_keep_their_own_means():
    graphs = [AddCommunities()(planted_partition(30, 3, seed=seed)) for seed in (1, 2)]
    graphs[1].edge_score_mean /= 3
    batch = Batch.from_data_list(graphs)
    expected = torch.cat(
        [communal_keep_probability(g.edge_score, 0.6, mean=g.edge_score_mean) for g in graphs]
    )
    batch.number = torch.arange(batch.num_edges)
    transform, kept = CommunalEdgeDropping(0.6, generator=seeded(3)), torch.zeros(batch.num_edges)
    for _ in range(200):
        kept[transform(batch).number] += 1
    deviation = (expected * (1 - expected) / 200).sqrt()
    assert ((kept / 200 - expected).abs() <= 5 * deviation + 1e-6).all()


def test_scores_of_other_edges_are_refused(graph):
    graph.edge_index = graph.edge_index[:, 3:]
    del graph.edge_weight, graph.edge_attr
    edges = graph.num_edges
    with pytest.raises(ValueError) as refusal:
        CommunalEdgeDropping(0.5)(graph)
    rule = f"one number per edge, of shape ({edges},): apply gclkit.communities.AddCommunities"
    assert str(refusal.value) == (
        f"CommunalEdgeDropping: 'edge_score' must be {rule} to these edges (got ({edges + 3},))"
    )


def test_directions_together(graph):
    view = CommunalEdgeDropping(0.5, symmetric=True, generator=seeded())(graph)
    assert is_undirected(view.edge_index) and 0.2 < view.edge_drop_rate < 0.8


def test_repr_and_refusals(graph):
    transform = CommunalEdgeDropping(0.5, threshold=0.9)
    assert str(transform) == "CommunalEdgeDropping(p=0.5, threshold=0.9, symmetric=False)"
    with pytest.raises(ValueError, match=r"^CommunalEdgeDropping: 'threshold' must be a prob"):
        CommunalEdgeDropping(0.5, threshold=-1.0)
    del graph.edge_score
    rule = "a graph with 'edge_score': apply gclkit.communities.AddCommunities first"
    with pytest.raises(ValueError, match=f"^CommunalEdgeDropping: 'data' must be {rule} "):
        transform(graph)


def test_a_score_that_is_no_number_makes_dropping_uniform():
    assert communal_keep_probability(torch.tensor([0.5, torch.nan]), 0.25).tolist() == [0.75] * 2

import pytest
import torch
from torch_geometric.data import Batch

from gclkit.augmentations import AdaptiveEdgeDrop, adaptive_drop_probability


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def weighted(graph):
    """Edges into low nodes are dropped readily, those into node 99 never."""
    graph.edge_drop_weight = (99 - graph.edge_index[1]).float() / 30
    graph.edge_drop_weight_mean = graph.edge_drop_weight.mean()
    return graph


def test_probability_by_hand():
    drop = adaptive_drop_probability(torch.tensor([0.0, 1.0, 2.0, 5.0]), 0.4, threshold=0.6)
    torch.testing.assert_close(drop, torch.tensor([0.0, 0.2, 0.4, 0.6]))
    part = adaptive_drop_probability(torch.tensor([1.0, 2.0]), 0.3, mean=torch.tensor(1.25))
    torch.testing.assert_close(part, torch.tensor([0.24, 0.48]))


def test_no_weight_at_all_is_uniform():
    assert adaptive_drop_probability(torch.zeros(3), 0.25).tolist() == [0.25] * 3


@pytest.mark.parametrize("p", [0.1, 0.3, 0.6])
def test_drops_at_the_stated_rates(weighted, p):
    expected = adaptive_drop_probability(weighted.edge_drop_weight, p)
    transform = AdaptiveEdgeDrop(p, generator=seeded(1))
    weighted.number = torch.arange(weighted.num_edges)
    kept = torch.zeros(weighted.num_edges)
    for _ in range(400):
        kept[transform(weighted).number] += 1
    dropped = 1 - kept / 400
    deviation = (expected * (1 - expected) / 400).sqrt()
    assert ((dropped - expected).abs() <= 5 * deviation + 1e-7).all()


def test_both_directions_on_one_coin(weighted):
    view = AdaptiveEdgeDrop(0.4, symmetric=True, generator=seeded())(weighted)
    pairs = set(map(tuple, view.edge_index.T.tolist()))
    assert pairs == {(v, u) for u, v in pairs} and 0 < len(pairs) < weighted.num_edges


def test_one_coin_takes_the_mean_of_both_probabilities(weighted):
    forth = adaptive_drop_probability(weighted.edge_drop_weight, 0.4)
    position = {edge: i for i, edge in enumerate(map(tuple, weighted.edge_index.T.tolist()))}
    back = forth[[position[v, u] for u, v in weighted.edge_index.T.tolist()]]
    transform = AdaptiveEdgeDrop(0.4, symmetric=True, generator=seeded(2))
    weighted.number = torch.arange(weighted.num_edges)
    kept = torch.zeros(weighted.num_edges)
    for _ in range(400):
        kept[transform(weighted).number] += 1
    error = (1 - kept / 400 - (forth + back) / 2).abs()
    assert (error <= 5 * 0.5 / 20).all()


def test_everything_of_an_edge_goes_with_it(weighted):
    view = AdaptiveEdgeDrop(0.5, generator=seeded())(weighted)
    assert view.num_edges == view.edge_weight.numel() == view.edge_attr.size(0)
    assert view.edge_drop_rate == pytest.approx(1 - view.num_edges / weighted.num_edges)
    assert torch.equal(view.x, weighted.x)


def test_a_batch_is_treated_like_the_graph(weighted):
    batch = weighted.subgraph(torch.arange(80, 100))
    drop = adaptive_drop_probability(
        batch.edge_drop_weight, 0.5, mean=weighted.edge_drop_weight_mean
    )
    batch.number = torch.arange(batch.num_edges)
    transform, kept = AdaptiveEdgeDrop(0.5, generator=seeded(3)), torch.zeros(batch.num_edges)
    for _ in range(400):
        kept[transform(batch).number] += 1
    assert ((1 - kept / 400 - drop).abs() <= 5 * 0.5 / 20).all()


def test_graphs_of_a_batch_keep_their_own_means(weighted):
    other = weighted.clone()
    other.edge_drop_weight_mean = weighted.edge_drop_weight_mean * 5
    batch = Batch.from_data_list([weighted, other])
    drop = AdaptiveEdgeDrop(0.5, generator=seeded(3))
    rates = [drop(one).edge_drop_rate for one in (weighted, other)]
    view = AdaptiveEdgeDrop(0.5, generator=seeded(4))(batch)
    kept = view.batch[view.edge_index[0]].bincount() / weighted.num_edges
    assert kept.tolist() == pytest.approx([1 - rate for rate in rates], abs=0.05)


def test_weights_of_other_edges_are_refused(weighted):
    weighted.edge_drop_weight = weighted.edge_drop_weight[2:]
    with pytest.raises(ValueError, match=r"^AdaptiveEdgeDrop: 'edge_drop_weight' must be one num"):
        AdaptiveEdgeDrop(0.5)(weighted)


def test_refusals(graph):
    assert str(AdaptiveEdgeDrop(0.2)) == "AdaptiveEdgeDrop(p=0.2, threshold=0.7, symmetric=False)"
    with pytest.raises(ValueError, match=r"^AdaptiveEdgeDrop: 'p' must be a probability in \[0, 1"):
        AdaptiveEdgeDrop(1.2)
    with pytest.raises(ValueError, match=r"^AdaptiveEdgeDrop: 'threshold' must be a probability"):
        AdaptiveEdgeDrop(0.2, threshold=-1.0)
    rule = (
        r"^AdaptiveEdgeDrop: 'data' must be a graph with 'edge_drop_weight': "
        r"apply gclkit.augmentations.AddCentrality first "
    )
    with pytest.raises(ValueError, match=rule):
        AdaptiveEdgeDrop(0.2)(graph)
    with pytest.raises(ValueError, match=r"^adaptive_drop_probability: 'p' must be a probability"):
        adaptive_drop_probability(torch.ones(2), 3.0)


def test_a_probability_is_one_for_any_weight():
    mixed = adaptive_drop_probability(torch.tensor([-1.0, 2.0, 3.0]), 0.3)
    torch.testing.assert_close(mixed, torch.tensor([0.0, 0.45, 0.675]))
    assert adaptive_drop_probability(torch.tensor([1.0, torch.nan]), 0.25).tolist() == [0.25] * 2

from functools import partial

import pytest
import torch
from torch_geometric.data import Data, HeteroData
from torch_geometric.transforms import RandomLinkSplit
from torch_geometric.utils import is_undirected

from gclkit.augmentations import (
    AdaptiveEdgeDrop,
    AddCentrality,
    BudgetedEdgeDrop,
    CommunalEdgeDropping,
    EdgeDrop,
    FeatureMask,
)
from gclkit.communities import AddCommunities
from gclkit.testing.graphs import random_graph


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_edge_drop(graph):
    assert str(EdgeDrop(0.5)) == "EdgeDrop(p=0.5, symmetric=False)"
    before = graph.clone()
    view = EdgeDrop(0.5, generator=seeded())(graph)
    assert view.num_nodes == 100 and view.x is graph.x
    assert torch.equal(graph.edge_index, before.edge_index), "the input is left as it was"
    kept = (view.edge_weight - 1).long()
    assert torch.equal(graph.edge_index[:, kept], view.edge_index)
    assert torch.equal(graph.edge_attr[kept], view.edge_attr)
    assert view.edge_drop_rate == pytest.approx(1 - view.num_edges / graph.num_edges)

    again = EdgeDrop(0.5, generator=seeded())(graph)
    assert torch.equal(view.edge_index, again.edge_index)


def test_directions_together_or_apart(graph):
    together = EdgeDrop(0.5, symmetric=True, generator=seeded())(graph)
    assert is_undirected(together.edge_index)
    assert not is_undirected(EdgeDrop(0.5, generator=seeded())(graph).edge_index)


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_drops_the_stated_share(graph, p, symmetric):
    view = EdgeDrop(p, symmetric=symmetric, generator=seeded(1))(graph)
    coins = graph.num_edges / (2 if symmetric else 1)
    assert abs(view.edge_drop_rate - p) <= 5 * (p * (1 - p) / coins) ** 0.5


@pytest.mark.parametrize(
    "transform", [EdgeDrop, partial(AdaptiveEdgeDrop, threshold=1.0), CommunalEdgeDropping]
)
def test_the_smallest_coin_obeys_a_certain_probability(transform, graph, monkeypatch):
    graph.edge_drop_weight = torch.ones(graph.num_edges)
    monkeypatch.setattr(torch, "rand", lambda n, **_: torch.zeros(n))
    assert transform(0.0)(graph).num_edges == graph.num_edges
    assert transform(1.0)(graph).num_edges == 0


def test_trailing_isolated_nodes_and_empty_graphs_stay():
    lonely = Data(edge_index=torch.tensor([[0, 1], [1, 0]]), num_nodes=9)
    assert EdgeDrop(1.0)(lonely).num_nodes == 9
    empty = Data(edge_index=torch.empty(2, 0, dtype=torch.int64), num_nodes=4)
    assert EdgeDrop(0.4)(empty).edge_drop_rate == 0.0
    assert EdgeDrop(0.4, symmetric=True)(empty).num_edges == 0


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan"), True])
def test_refuses_what_is_no_probability(p):
    with pytest.raises(
        ValueError, match=r"^EdgeDrop: 'p' must be a probability in \[0, 1\] \(got .*\)$"
    ):
        EdgeDrop(p)


def test_a_graph_of_pairs_to_be_predicted_loses_edges_only():
    train, *_ = RandomLinkSplit(is_undirected=True)(random_graph(30, seed=2))
    view = EdgeDrop(0.5, generator=seeded())(train)
    assert 0 < view.num_edges < train.num_edges
    assert torch.equal(view.edge_label_index, train.edge_label_index)


def test_a_single_edge_can_be_dropped():
    data = Data(x=torch.eye(2), edge_index=torch.tensor([[0], [1]]))
    view = EdgeDrop(1.0)(AddCentrality()(AddCommunities()(data)))
    assert view.num_edges == 0 and view.edge_score.shape == (0,)
    assert view.feature_score.shape == view.feature_drop_weight.shape == (1, 2)


@pytest.mark.parametrize(
    "transform", [EdgeDrop(0.3), BudgetedEdgeDrop(0.3), FeatureMask(0.3)], ids=str
)
def test_a_graph_of_several_kinds_of_nodes_is_refused_in_one_line(transform):
    graph = HeteroData()
    graph["paper"].x = torch.ones(3, 2)
    with pytest.raises(ValueError) as error:
        transform(graph)
    assert str(error.value) == (
        f"{type(transform).__name__}: 'data' must be a torch_geometric.data.Data object "
        "(got 'HeteroData')"
    )

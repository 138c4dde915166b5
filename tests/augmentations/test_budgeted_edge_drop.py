import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.utils import is_undirected

from gclkit.augmentations import BudgetedEdgeDrop, EdgeDrop
from gclkit.bounds import EdgeDropSet
from gclkit.testing.graphs import random_graph


@pytest.mark.parametrize("p", [0.1, 0.4, 1.0])
def test_views_stay_inside_the_set(p):
    data = random_graph(80, 3, mean_degree=6, weighted=True, seed=2)
    drops = EdgeDropSet(data.edge_index, 80, p)
    for seed in range(5):
        generator = torch.Generator().manual_seed(seed)
        view = BudgetedEdgeDrop(p, generator=generator)(data)
        assert is_undirected(view.edge_index, view.edge_weight)
        lost = drops.dropped(drops.kept(view.edge_index))
        assert (lost <= drops.budget).all() and (lost < drops.degree).all()
        assert view.num_nodes == 80 and len(view.edge_weight) == view.num_edges
        assert view.edge_drop_rate == pytest.approx(1 - view.num_edges / data.num_edges)
    loose = EdgeDrop(0.4, symmetric=True)(data)
    assert (drops.dropped(drops.kept(loose.edge_index)) > drops.budget).any() or p == 1.0


def test_no_budget_drops_nothing_and_order_of_edges_does_not_matter():
    data = random_graph(30, 3, seed=0)
    assert BudgetedEdgeDrop(0.0)(data).num_edges == data.num_edges
    shuffled = data.clone()
    shuffled.edge_index = data.edge_index[:, torch.randperm(data.num_edges)]
    views = [
        BudgetedEdgeDrop(0.5, generator=torch.Generator().manual_seed(1))(graph)
        for graph in (data, shuffled)
    ]
    assert set(map(tuple, views[0].edge_index.t().tolist())) == set(
        map(tuple, views[1].edge_index.t().tolist())
    )
    assert views[0].num_edges < data.num_edges
    assert str(BudgetedEdgeDrop(0.5)) == "BudgetedEdgeDrop(p=0.5)"


def test_refusals():
    with pytest.raises(ValueError, match=r"^BudgetedEdgeDrop: 'p' must be a probability in"):
        BudgetedEdgeDrop(-0.2)
    one_way = Data(edge_index=torch.tensor([[0], [1]]), num_nodes=2)
    with pytest.raises(ValueError, match=r"^BudgetedEdgeDrop: 'edge_index' must be undirected"):
        BudgetedEdgeDrop(0.5)(one_way)

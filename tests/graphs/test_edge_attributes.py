import copy

import pytest
import torch
from torch_geometric.data import Batch, Data
from torch_geometric.transforms import RandomLinkSplit

from gclkit.graphs.edge_attributes import edge_attributes, take_edges
from gclkit.testing.graphs import random_graph


@pytest.mark.parametrize(
    "at", [torch.tensor([True, False, False, True]), torch.tensor([0, 3])], ids=["mask", "places"]
)
def test_takes_all_that_is_there_once_per_edge(at):
    data = Data(x=torch.ones(3, 4), edge_index=torch.tensor([[0, 1, 2, 0], [1, 0, 0, 2]]))
    data.rating = torch.tensor([7.0, 8.0, 9.0, 10.0])
    data.pair_index = data.edge_index + 10
    data.edge_kind = torch.arange(8).reshape(4, 2)
    data.adj_t = torch.eye(3).to_sparse_csr()
    data.mean, data.name = torch.tensor(2.5), "four"
    names = ["edge_index", "rating", "pair_index", "edge_kind"]
    assert edge_attributes(data) == names
    take_edges(data, at)
    assert data.edge_index.tolist() == [[0, 0], [1, 2]] and data.rating.tolist() == [7.0, 10.0]
    assert data.pair_index.tolist() == [[10, 10], [11, 12]]
    assert data.edge_kind.tolist() == [[0, 1], [6, 7]]
    assert data.x.shape == (3, 4) and data.name == "four" and "adj_t" not in data


def test_what_a_graph_has_once_is_not_of_its_only_edge():
    data = Data(x=torch.eye(2), edge_index=torch.tensor([[0], [1]]), edge_score=torch.ones(1))
    data.feature_score = data.feature_drop_weight = torch.rand(1, 2)
    data.feature_keep, data.y = torch.tensor([[True, False]]), torch.tensor([2])
    assert edge_attributes(data) == ["edge_index", "edge_score"]


def test_pairs_to_be_predicted_are_no_edges():
    train, *_ = RandomLinkSplit(is_undirected=True)(random_graph(30, seed=2))
    assert train.edge_label_index.shape == train.edge_index.shape
    assert edge_attributes(train) == ["edge_index"]


@pytest.mark.parametrize("places", [False, True])
def test_a_batch_still_finds_its_graphs(places):
    graphs = [random_graph(20, weighted=True, seed=seed) for seed in range(3)]
    batch = Batch.from_data_list(graphs)
    keep = torch.rand(batch.num_edges, generator=torch.Generator().manual_seed(0)) < 0.5
    parts = keep.split([graph.num_edges for graph in graphs])
    view = copy.copy(batch)
    take_edges(view, keep.nonzero()[:, 0] if places else keep)
    for graph, part, found in zip(graphs, parts, view.to_data_list(), strict=True):
        assert torch.equal(found.edge_index, graph.edge_index[:, part])
        assert torch.equal(found.edge_weight, graph.edge_weight[part])
        assert torch.equal(found.x, graph.x)
    assert torch.equal(batch[2].edge_index, graphs[2].edge_index), "the batch is left as it was"

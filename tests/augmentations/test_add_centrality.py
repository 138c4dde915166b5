import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data

from gclkit.augmentations import (
    AddCentrality,
    adaptive_drop_probability,
    drop_weight,
    feature_centrality,
)
from gclkit.testing.graphs import random_graph


@pytest.fixture
def published(parity):
    """The numbers of GCA's authors, and their graph."""
    file = parity("gca")
    x, edge_index = torch.from_numpy(file["x"]), torch.from_numpy(file["edge_index"])
    return file, Data(x=x, edge_index=edge_index)


def assert_equals(ours, theirs):
    # Single precision on their side: its rounding is relative.
    np.testing.assert_allclose(ours.double().numpy(), theirs, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("measure", ["degree", "pagerank", "eigenvector"])
def test_edge_weights_of_the_authors(published, measure):
    file, data = published
    assert_equals(AddCentrality(measure)(data).edge_drop_weight, file[f"edge_weight_{measure}"])


@pytest.mark.parametrize(
    ("measure", "absolute", "key"),
    [
        ("degree", False, "feature_weight_degree"),
        ("degree", True, "feature_weight_degree_dense"),
        ("pagerank", False, "feature_weight_pagerank"),
    ],
)
def test_feature_weights_of_the_authors(published, measure, absolute, key):
    file, data = published
    out = AddCentrality(measure, absolute_features=absolute)(data)
    assert_equals(out.feature_drop_weight[0], file[key])


def test_pagerank_of_the_authors(published):
    file, data = published
    assert_equals(AddCentrality("pagerank")(data).node_centrality, file["node_pagerank"])


@pytest.mark.parametrize("p", [0.3, 0.7])
def test_drop_probabilities_of_the_authors(published, p):
    file, data = published
    out = AddCentrality("degree")(data)
    drop = adaptive_drop_probability(
        out.edge_drop_weight, p, threshold=0.7, mean=out.edge_drop_weight_mean
    )
    assert_equals(drop, file[f"edge_drop_prob_degree__p{p}_thr0.7"])


def test_drop_weight_by_hand():
    c = torch.tensor([1.0, math.e, math.e**5])
    torch.testing.assert_close(drop_weight(c), torch.tensor([5 / 3, 4 / 3, 0]).double())


@settings(deadline=None, max_examples=40)
@given(c=st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=20))
def test_drop_weight_falls_with_centrality_around_a_mean_of_1(c):
    w = drop_weight(torch.tensor(c, dtype=torch.float64))
    assert abs(float(w.mean()) - 1) < 1e-6 and (w >= 0).all()
    order = torch.tensor(c).argsort()
    assert (w[order].diff() <= 1e-9).all()


@pytest.mark.parametrize("c", [[3.0, 3.0, 3.0], [0.0, 0.0], [-1.0, -2.0], [5.0]])
def test_without_a_preference_all_weights_are_1(c):
    assert drop_weight(torch.tensor(c)).tolist() == [1.0] * len(c)


def test_what_is_not_central_at_all_is_left_out():
    with_zero = drop_weight(torch.tensor([1.0, 0.0, 4.0, 2.0]))
    without = drop_weight(torch.tensor([1.0, 4.0, 2.0]))
    assert with_zero[1] == 1
    torch.testing.assert_close(with_zero[[0, 2, 3]], without)


def test_feature_centrality_by_hand():
    x = torch.tensor([[0.0, -2.0, 1.0], [0.5, 0.0, 0.0]], dtype=torch.float64)
    c = torch.tensor([3.0, 7.0], dtype=torch.float64)
    assert feature_centrality(x, c).tolist() == [7, 3, 3]
    assert feature_centrality(x, c, absolute=True).tolist() == [3.5, 6, 3]
    with torch.no_grad():
        sparse = x.to_sparse_csr()
    for absolute in (False, True):
        expected = feature_centrality(x, c, absolute=absolute)
        assert torch.equal(feature_centrality(sparse, c, absolute=absolute), expected)


@pytest.mark.parametrize("measure", ["degree", "pagerank", "true_pagerank", "eigenvector"])
def test_writes_per_node_and_edge_and_leaves_the_input(measure):
    data = random_graph(50, weighted=True)
    keys = set(data.keys())
    out = AddCentrality(measure)(data)
    assert set(data.keys()) == keys
    assert out.node_centrality.shape == (50,) and out.feature_drop_weight.shape == (1, 6)
    assert out.edge_drop_weight.shape == (data.num_edges,)
    assert out.edge_drop_weight_mean == pytest.approx(1.0)
    batch = out.subgraph(torch.arange(20))
    assert batch.node_centrality.shape == (20,)
    assert batch.edge_drop_weight.shape == (batch.num_edges,)
    assert batch.edge_drop_weight_mean == out.edge_drop_weight_mean


def test_edges_into_the_most_central_node_are_safe():
    star = torch.tensor([[0, 0, 0, 1, 2, 3], [1, 2, 3, 0, 0, 0]])
    out = AddCentrality()(Data(edge_index=star, num_nodes=4))
    assert out.edge_drop_weight.tolist() == [2, 2, 2, 0, 0, 0]
    assert "feature_drop_weight" not in out


def test_a_regular_graph_is_treated_evenly():
    ring = torch.tensor([[0, 1, 2, 3, 1, 2, 3, 0], [1, 2, 3, 0, 0, 1, 2, 3]])
    for measure in ("degree", "pagerank", "true_pagerank", "eigenvector"):
        out = AddCentrality(measure)(Data(edge_index=ring, num_nodes=4))
        assert out.edge_drop_weight.tolist() == [1.0] * 8


@pytest.mark.parametrize("measure", ["degree", "pagerank", "true_pagerank", "eigenvector"])
@pytest.mark.parametrize("n", [1, 3])
def test_a_graph_without_edges_is_treated_evenly(measure, n):
    empty = Data(x=torch.ones(n, 2), edge_index=torch.empty(2, 0, dtype=torch.int64))
    out = AddCentrality(measure)(empty)
    assert out.edge_drop_weight.shape == (0,) and out.edge_drop_weight_mean == 1
    assert out.node_centrality.isfinite().all() and out.feature_drop_weight.tolist() == [[1, 1]]


def test_refusals():
    measures = "['degree', 'eigenvector', 'pagerank', 'true_pagerank']"
    with pytest.raises(ValueError) as error:
        AddCentrality("fame")
    assert str(error.value) == f"AddCentrality: 'measure' must be one of {measures} (got 'fame')"
    with pytest.raises(ValueError) as error:
        AddCentrality()(Data(edge_index=torch.tensor([[0, 9], [1, 0]]), x=torch.ones(4, 2)))
    assert (
        str(error.value) == "AddCentrality: 'edge_index' must be node indices from 0 to 3 (got 9)"
    )
    with pytest.raises(ValueError) as error:
        feature_centrality(torch.ones(3, 2), torch.ones(4))
    assert str(error.value) == (
        "feature_centrality: 'centrality' must be one number per node, of shape (3,) (got (4,))"
    )
    with pytest.raises(ValueError) as error:
        feature_centrality(torch.ones(3, 2), torch.ones(3).long(), absolute=True)
    assert str(error.value) == (
        "feature_centrality: 'centrality' must be of a floating point dtype (got torch.int64)"
    )
    with pytest.raises(ValueError) as error:
        drop_weight(torch.tensor([1.0, 2.0, torch.nan]))
    assert str(error.value) == (
        "drop_weight: 'centrality' must be finite (got '1 of 3 entries NaN or infinite')"
    )
    assert repr(AddCentrality("degree")) == (
        "AddCentrality(measure='degree', absolute_features=False)"
    )


def test_nodes_that_only_labels_tell_of_have_a_centrality():
    edges = torch.tensor([[0, 1], [1, 0]])
    out = AddCentrality()(Data(edge_index=edges, y=torch.tensor([0, 1, 0, 1])))
    assert out.node_centrality.shape == (4,)

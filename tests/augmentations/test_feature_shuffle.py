import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data

from gclkit.augmentations import FeatureShuffle, permute_rows
from gclkit.testing.measure import LargestTensor


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 9), f=st.integers(1, 6))
def test_sparse_rows_move_as_dense_ones(seed, n, f):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, f, generator=generator).relu()
    order = torch.randperm(n, generator=generator)
    moved = permute_rows(x.to_sparse_csr(), order)
    assert moved.layout == torch.sparse_csr
    assert torch.equal(moved.to_dense(), x[order])
    assert torch.equal(permute_rows(x, order), x[order])


def test_moves_features_alone(graph):
    before = graph.x.clone()
    view = FeatureShuffle(generator=torch.Generator().manual_seed(0))(graph)
    assert torch.equal(graph.x, before) and torch.equal(view.edge_index, graph.edge_index)
    assert not torch.equal(view.x, before)
    assert torch.equal(view.x.sort(dim=0).values, before.sort(dim=0).values)
    assert set(map(tuple, view.x.tolist())) == set(map(tuple, before.tolist()))


def test_rows_of_integers_move_too():
    data = Data(x=torch.arange(60).view(20, 3))
    view = FeatureShuffle(generator=torch.Generator().manual_seed(0))(data)
    assert view.x.dtype == torch.int64 and not torch.equal(view.x, data.x)
    assert torch.equal(view.x.sort(dim=0).values, data.x)


def test_the_generator_decides():
    data = Data(x=torch.arange(60.0).view(20, 3))
    views = [
        FeatureShuffle(generator=torch.Generator().manual_seed(seed))(data).x for seed in (1, 1, 2)
    ]
    assert torch.equal(views[0], views[1]) and not torch.equal(views[0], views[2])


def test_sparse_features_are_never_dense():
    x = torch.zeros(200, 300)
    x[torch.arange(200), torch.arange(200)] = 1.5
    data = Data(x=x.to_sparse_csr())
    with LargestTensor() as largest:
        FeatureShuffle()(data).x.values()
    assert 0 < largest.numel <= 201


def test_refusals():
    assert str(FeatureShuffle()) == "FeatureShuffle()"
    with pytest.raises(ValueError, match=r"^FeatureShuffle: 'data' must be a graph with features"):
        FeatureShuffle()(Data(edge_index=torch.tensor([[0], [1]])))
    with pytest.raises(ValueError, match=r"^permute_rows: 'x' must be a matrix \[n, f\]"):
        permute_rows(torch.ones(3, 2).to_sparse_coo(), torch.arange(3))
    with pytest.raises(ValueError) as error:
        permute_rows(torch.ones(3, 2), torch.arange(2))
    assert str(error.value) == (
        "permute_rows: 'order' must be a permutation, int64 of shape (3,) "
        "(got 'torch.int64 of shape (2,)')"
    )

import pytest
import torch
from torch_geometric.data import Data

from gclkit.augmentations import FeatureMask


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_feature_mask(graph):
    assert str(FeatureMask(0.25)) == "FeatureMask(p=0.25)"
    before = graph.x.clone()
    view = FeatureMask(0.5, generator=seeded())(graph)
    assert torch.equal(graph.x, before)
    zero = (view.x == 0).all(dim=0)
    assert 0 < zero.sum() < 40
    assert torch.equal(view.feature_keep[0], ~zero)
    assert torch.equal(view.x[:, ~zero], before[:, ~zero])


@pytest.mark.parametrize("p", [0.0, 0.1, 1.0])
def test_masks_the_stated_share(p):
    data = Data(x=torch.ones(2, 4000))
    view = FeatureMask(p, generator=seeded(2))(data)
    share = float((view.x == 0).float().mean())
    assert abs(share - p) <= 5 * (p * (1 - p) / 4000) ** 0.5


def test_sparse_features_stay_sparse(graph):
    dense = graph.x.relu()
    graph.x = dense.to_sparse_csr()
    view = FeatureMask(0.4, generator=seeded(3))(graph)
    assert view.x.layout == torch.sparse_csr
    expected = FeatureMask(0.4, generator=seeded(3))(Data(x=dense)).x
    assert torch.equal(view.x.to_dense(), expected)


def test_refusals():
    with pytest.raises(ValueError, match=r"^FeatureMask: 'p' must be a probability in \[0, 1\]"):
        FeatureMask(2.0)
    with pytest.raises(ValueError, match=r"^FeatureMask: 'data' must be a graph with features 'x'"):
        FeatureMask(0.5)(Data(edge_index=torch.tensor([[0], [1]])))


def test_a_folded_mask_leaves_the_features_to_the_encoder():
    data = Data(x=torch.rand(4, 30), edge_index=torch.empty(2, 0, dtype=torch.int64))
    plain, folded = (
        FeatureMask(0.4, generator=torch.Generator().manual_seed(3), fold=fold)(data)
        for fold in (False, True)
    )
    assert folded.x is data.x
    assert torch.equal(folded.feature_keep, plain.feature_keep)
    torch.testing.assert_close(plain.x, data.x * folded.feature_keep)

import pytest
import torch
from torch_geometric.data import Batch, Data

from gclkit.augmentations import AdaptiveFeatureMask, adaptive_drop_probability


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def weighted(graph):
    graph.feature_drop_weight = torch.arange(40.0)[None]
    return graph


def test_masks_at_the_stated_rates(weighted):
    expected = adaptive_drop_probability(torch.arange(40.0), 0.4, threshold=0.65)
    assert expected[0] == 0 and expected[39] == pytest.approx(0.65)
    transform = AdaptiveFeatureMask(0.4, threshold=0.65, generator=seeded())
    masked = torch.stack([~transform(weighted).feature_keep[0] for _ in range(400)]).float()
    deviation = (expected * (1 - expected) / 400).sqrt()
    assert ((masked.mean(dim=0) - expected).abs() <= 5 * deviation).all()


def test_masks_whole_columns_and_leaves_the_input(weighted):
    before = weighted.x.clone()
    view = AdaptiveFeatureMask(0.5, generator=seeded(1))(weighted)
    keep = view.feature_keep[0]
    assert 0 < keep.sum() < 40 and torch.equal(weighted.x, before)
    assert torch.equal(view.x, before * keep)


def test_sparse_features_stay_sparse(weighted):
    dense = weighted.x.relu()
    sparse = weighted.clone()
    sparse.x = dense.to_sparse_csr()
    weighted.x = dense
    view = AdaptiveFeatureMask(0.4, generator=seeded(3))(sparse)
    assert view.x.layout == torch.sparse_csr
    expected = AdaptiveFeatureMask(0.4, generator=seeded(3))(weighted).x
    assert torch.equal(view.x.to_dense(), expected)


def test_refusals(graph):
    assert str(AdaptiveFeatureMask(0.2)) == "AdaptiveFeatureMask(p=0.2, threshold=0.7)"
    with pytest.raises(ValueError, match=r"^AdaptiveFeatureMask: 'p' must be a probability"):
        AdaptiveFeatureMask(-0.2)
    with pytest.raises(ValueError, match=r"^AdaptiveFeatureMask: 'threshold' must be a prob"):
        AdaptiveFeatureMask(0.2, threshold=2.0)
    rule = (
        r"^AdaptiveFeatureMask: 'data' must be a graph with 'feature_drop_weight': "
        r"apply gclkit.augmentations.AddCentrality first "
    )
    with pytest.raises(ValueError, match=rule):
        AdaptiveFeatureMask(0.2)(graph)
    with pytest.raises(ValueError, match=r"^AdaptiveFeatureMask: 'data' must be a graph with feat"):
        AdaptiveFeatureMask(0.5)(Data(edge_index=torch.tensor([[0], [1]])))


def test_a_batch_of_several_graphs_is_refused(graph):
    graph.feature_drop_weight = torch.rand(1, 40) + 0.1
    batch = Batch.from_data_list([graph, graph])
    with pytest.raises(ValueError) as refusal:
        AdaptiveFeatureMask(0.5)(batch)
    rule = "of one graph, of shape (1, 40): apply AdaptiveFeatureMask before graphs are batched"
    assert (
        str(refusal.value)
        == f"AdaptiveFeatureMask: 'feature_drop_weight' must be {rule} (got (2, 40))"
    )

import pytest
import torch
from torch import nn
from torch_geometric.data import Batch, Data

from gclkit.augmentations import FeatureMask
from gclkit.encoders import GNNEncoder, encode_views, view_features

EDGES = [torch.tensor([[0, 1, 2], [1, 2, 3]]), torch.tensor([[4, 1], [1, 2]])]
KEEPS = [torch.tensor([[True, False, True, True]]), torch.tensor([[False, True, True, False]])]


def make_views(x, *, masks):
    views = [Data(x=x, edge_index=edge_index) for edge_index in EDGES]
    for view, keep in zip(views, KEEPS, strict=True):
        if masks:
            view.feature_keep = keep
    return views


@pytest.mark.parametrize("layout", ["strided", "csr"])
@pytest.mark.parametrize("masks", [True, False])
@pytest.mark.parametrize("conv", ["gcn", "sage"])
def test_views_are_encoded_as_one_by_one_with_masked_features(conv, masks, layout):
    encoder = GNNEncoder(4, 3, conv=conv).double()
    x = torch.randn(5, 4, dtype=torch.float64)
    views = make_views(x if layout == "strided" else x.to_sparse_csr(), masks=masks)
    for found, view, keep in zip(encode_views(encoder, views), views, KEEPS, strict=True):
        expected = encoder(x * keep if masks else x, view.edge_index)
        torch.testing.assert_close(found, expected)


def test_gradients_are_those_of_masked_features():
    encoder = GNNEncoder(4, 3).double()
    x = torch.randn(5, 4, dtype=torch.float64)
    views, parameters = make_views(x, masks=True), list(encoder.parameters())
    apart = [encoder(x * view.feature_keep, view.edge_index) for view in views]
    for found, expected in zip(encode_views(encoder, views), apart, strict=True):
        found = torch.autograd.grad(found.square().sum(), parameters, retain_graph=True)
        expected = torch.autograd.grad(expected.square().sum(), parameters, retain_graph=True)
        torch.testing.assert_close(found, expected)


def test_features_that_are_masked_already_may_be_masked_again():
    encoder, x = GNNEncoder(4, 3), torch.randn(5, 4)
    before = encode_views(encoder, make_views(x, masks=True))
    views = make_views(x, masks=True)
    for view in views:
        view.x = view.x * view.feature_keep
    torch.testing.assert_close(encode_views(encoder, views), before)


def test_any_module_is_given_the_weights_of_a_view_that_has_them():
    class Sum(nn.Module):
        def forward(self, x, edge_index, edge_weight=None):
            return x[:, :1] + (0.0 if edge_weight is None else edge_weight.sum())

    x = torch.randn(5, 4)
    views = make_views(x, masks=False)
    views[1].edge_weight = torch.tensor([0.25, 0.5])
    torch.testing.assert_close(encode_views(Sum(), views), (x[:, :1], x[:, :1] + 0.75))


def test_any_module_sees_masked_features():
    class Sum(nn.Module):
        def forward(self, x, edge_index):
            return x.sum(dim=1)

    x = torch.randn(5, 4)
    views = make_views(x, masks=True)
    expected = tuple((x * keep).sum(dim=1) for keep in KEEPS)
    torch.testing.assert_close(encode_views(Sum(), views), expected)


def test_views_that_see_the_same_share_the_first_product(monkeypatch):
    encoder, x, calls = GNNEncoder(4, 3), torch.randn(5, 4), []

    def linear(x, weight, **options):
        calls.append(weight)
        return x @ weight.t()

    monkeypatch.setattr("gclkit.encoders.gcn_conv.linear", linear)
    encode_views(encoder, make_views(x, masks=False))
    assert len(calls) == 1 + 2  # The first layer once, the second for each view.
    calls.clear()
    encode_views(encoder, make_views(x, masks=True))
    assert len(calls) == 2 + 2


def test_view_features_are_the_input_itself_where_nothing_is_masked():
    x = torch.randn(5, 4)
    whole = Data(x=x, feature_keep=torch.ones(1, 4, dtype=torch.bool))
    assert view_features(whole) is x
    assert view_features(Data(x=x)) is x
    torch.testing.assert_close(view_features(Data(x=x, feature_keep=KEEPS[0])), x * KEEPS[0])


@pytest.mark.parametrize("conv", ["gcn", "sage"])
@pytest.mark.parametrize("fold", [True, False])
def test_graphs_may_be_masked_one_by_one_and_batched(conv, fold):
    encoder, mask = GNNEncoder(4, 3, conv=conv), FeatureMask(0.5, fold=fold)
    graphs = [mask(Data(x=torch.randn(5, 4), edge_index=edges)) for edges in EDGES]
    apart = [encoder(view_features(graph), graph.edge_index) for graph in graphs]
    batch = Batch.from_data_list(graphs)
    torch.testing.assert_close(encode_views(encoder, [batch, batch]), (torch.cat(apart),) * 2)


@pytest.mark.filterwarnings("ignore:Sparse invariant checks are implicitly disabled")
def test_refuses_masks_of_several_graphs_of_sparse_features():
    graph = Data(x=torch.randn(5, 4).to_sparse_csr(), edge_index=EDGES[0], feature_keep=KEEPS[0])
    with pytest.raises(ValueError) as error:
        encode_views(GNNEncoder(4, 3), [Batch.from_data_list([graph, graph])])
    assert str(error.value) == (
        "encode_views: 'feature_keep' must be [1, f] for sparse 'x' of shape (10, 4) (got (2, 4))"
    )


def test_refuses_a_mask_of_another_width():
    view = Data(x=torch.randn(5, 4), edge_index=EDGES[0])
    view.feature_keep = torch.ones(1, 3, dtype=torch.bool)
    rule = "'feature_keep' must be [1, f] for 'x' of shape (5, 4) (got (1, 3))"
    with pytest.raises(ValueError) as error:
        view_features(view)
    assert str(error.value) == f"view_features: {rule}"
    with pytest.raises(ValueError) as error:
        encode_views(GNNEncoder(4, 3), [view])
    assert str(error.value) == f"encode_views: {rule}"

import pytest
import torch
from torch import nn
from torch_geometric.transforms import Compose

from gclkit.augmentations import EdgeDrop, FeatureMask
from gclkit.encoders import view_features
from gclkit.methods.augmented_views import AugmentedViews, check_pair, view_pair


@pytest.fixture
def method():
    torch.manual_seed(0)
    method = AugmentedViews(8, out_channels=5, activation="prelu")
    drops, masks = [EdgeDrop(0.3), EdgeDrop(0.6)], [FeatureMask(0.2), FeatureMask(0.4)]
    method.augmentations = view_pair(drops, masks)
    return method


def test_views_drop_edges_then_mask_features(method):
    first, second = method.augmentations
    assert [t.p for t in first.transforms] == [0.3, 0.2]
    assert [t.p for t in second.transforms] == [0.6, 0.4]
    with pytest.raises(ValueError, match="zip"):
        view_pair([EdgeDrop(0.3)], [])


def test_prepare_hands_the_generator_to_every_transform(method, graph):
    generator = torch.Generator().manual_seed(4)
    assert method.prepare(graph, generator) is graph
    for view in method.augmentations:
        assert all(transform.generator is generator for transform in view.transforms)


def test_one_encoder_embeds_both_views(method, graph):
    views, embeddings = method.encode_views(method.prepare(graph))
    assert len(views) == len(embeddings) == 2
    for view, z in zip(views, embeddings, strict=True):
        torch.testing.assert_close(method.encoder(view_features(view), view.edge_index), z)


def test_settings_reach_the_encoder(method):
    assert isinstance(method.encoder.activations[1], nn.PReLU)
    assert AugmentedViews(8, ego=True, topic_neighbors=3, conv="gin").topic_neighbors == 3


def test_check_pair():
    assert check_pair("M", "p", [0.25, 0.75]) == (0.25, 0.75)
    for bad in (0.5, "ab", (0.1,), None):
        with pytest.raises(ValueError, match=r"^M: 'p' must be one probability per view"):
            check_pair("M", "p", bad)


def test_the_generator_reaches_single_and_nested_transforms(method, graph):
    generator, (drop, mask) = torch.Generator(), (EdgeDrop(0.3), FeatureMask(0.2))
    method.augmentations = (drop, Compose([Compose([mask])]))
    views, _ = method.encode_views(method.prepare(graph, generator))
    assert drop.generator is mask.generator is generator and len(views) == 2


def test_refuses_to_train_without_augmentations(graph):
    with pytest.raises(ValueError) as error:
        AugmentedViews(8, out_channels=5).prepare(graph)
    sentence = "AugmentedViews: 'augmentations' must be one transform for each view (got ())"
    assert str(error.value) == sentence

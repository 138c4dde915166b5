import pytest
import torch

from gclkit.evaluators import KNNProbe, RandomForestProbe, SVMProbe
from gclkit.graphs import Split, random_split

PROBES = [SVMProbe(), KNNProbe(), RandomForestProbe(trees=30)]


def make_blobs(noise=0.6):
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(240) % 3
    z = torch.randn(3, 7, generator=generator)[y] + noise * torch.randn(240, 7, generator=generator)
    return z, y, random_split(240, train=0.2, val=0.2, seed=0)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: type(probe).__name__)
def test_classes_are_found_and_test_labels_choose_nothing(probe):
    z, y, split = make_blobs()
    scores = probe(z, y, split)
    assert scores.accuracy > 0.7 and "test read once" in probe.protocol
    assert int(scores.confusion.sum()) == len(split.test)
    y[split.test] = (y[split.test] + 1) % 3
    again = probe(z, y, split)
    assert again.strength == scores.strength and torch.equal(again.predicted, scores.predicted)
    assert again.accuracy < 0.3


def test_more_neighbors_than_training_nodes_stand_for_all():
    z, y, _ = make_blobs()
    split = Split(torch.arange(6), torch.arange(6, 30), torch.arange(30, 240))
    assert 0 < KNNProbe(neighbors=(3, 50))(z, y, split).accuracy <= 1
    assert KNNProbe(neighbors=(50,))(z, y, split).strength == 6


def test_a_small_split_beside_another_leaves_its_scores():
    z, y, split = make_blobs(noise=2.0)
    small = Split(torch.arange(4), torch.arange(6, 30), torch.arange(30, 240))
    probe = KNNProbe(neighbors=(20,))
    both = probe.score_splits(z, y, [split, small])
    assert both == [probe(z, y, split), probe(z, y, small)]
    assert [scores.strength for scores in both] == [20, 4]


def test_refusals():
    for make, message in (
        (
            lambda: SVMProbe(strengths=()),
            "SVMProbe: 'strengths' must be a list of one number or more (got ())",
        ),
        (
            lambda: KNNProbe(neighbors=5),
            "KNNProbe: 'neighbors' must be a list of one number or more (got 5)",
        ),
        (
            lambda: RandomForestProbe(seed=-1),
            "RandomForestProbe: 'seed' must be an integer of at least 0 (got -1)",
        ),
        (
            lambda: KNNProbe(neighbors=(0,)),
            "KNNProbe: 'neighbors' must be an integer of at least 1 (got 0)",
        ),
        (
            lambda: RandomForestProbe(trees=1.5),
            "RandomForestProbe: 'trees' must be an integer of at least 1 (got 1.5)",
        ),
        (
            lambda: RandomForestProbe(leaves=(0,)),
            "RandomForestProbe: 'leaves' must be an integer of at least 1 (got 0)",
        ),
    ):
        with pytest.raises(ValueError) as error:
            make()
        assert str(error.value) == message
    z, y, _ = make_blobs()
    one = torch.arange(0, 30, 3)
    with pytest.raises(ValueError) as error:
        KNNProbe()(z, y, Split(one, one + 1, one + 2))
    assert str(error.value) == (
        "KNNProbe: 'train' must be nodes of two classes or more (got 'one class')"
    )

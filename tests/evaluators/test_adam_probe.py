import re

import pytest
import torch

from gclkit.evaluators import AdamProbe
from gclkit.graphs import Split, random_split


def make_blobs(noise=0.6):
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(240) % 3
    z = torch.randn(3, 7, generator=generator)[y] + noise * torch.randn(240, 7, generator=generator)
    return z, y, random_split(240, train=0.2, val=0.2, seed=0)


def test_finds_the_classes_and_reads_the_test_labels_once():
    z, y, split = make_blobs()
    probe = AdamProbe(steps=200)
    scores = probe(z, y, split)
    assert scores.accuracy > 0.7 and int(scores.confusion.sum()) == len(split.test)
    y[split.test] = (y[split.test] + 1) % 3
    again = probe(z, y, split)
    assert again.strength == scores.strength and torch.equal(again.predicted, scores.predicted)
    assert again.accuracy < 0.3


def test_the_first_best_step_on_validation_is_kept():
    z, y, split = make_blobs(noise=2.5)
    probe = AdamProbe(steps=90, lr=0.05, every=40)
    kept = probe(z, y, split)
    assert kept.strength in (40, 80, 90)
    looks = {k: AdamProbe(steps=k, lr=0.05, every=k)(z, y, split) for k in (40, 80, 90)}
    best = max(look.val_accuracy for look in looks.values())
    assert kept.val_accuracy == best == looks[int(kept.strength)].val_accuracy
    assert torch.equal(kept.predicted, looks[int(kept.strength)].predicted)


def test_the_first_of_equal_steps_is_kept():
    z, y, split = make_blobs(noise=0.1)
    scores = AdamProbe(steps=60, lr=0.1, every=20)(z, y, split)
    assert (scores.strength, scores.val_accuracy) == (20, 1.0)


def test_two_steps_are_those_of_torch():
    z, y, split = make_blobs()
    generator = torch.Generator().manual_seed(5)
    bound = (6 / (7 + 3)) ** 0.5
    model = torch.nn.Linear(7, 3)
    with torch.no_grad():
        model.weight.copy_((torch.rand(3, 7, generator=generator) * 2 - 1) * bound)
        model.bias.zero_()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.3)
    for _ in range(2):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(z[split.train]), y[split.train]).backward()
        optimizer.step()
    scores = AdamProbe(steps=2, lr=0.3, every=2, seed=5)(z, y, split)
    assert torch.equal(scores.predicted, model(z[split.test]).argmax(dim=1))


def test_leaves_the_global_generator_and_works_without_gradients():
    z, y, split = make_blobs()
    state = torch.get_rng_state()
    with torch.no_grad():
        first = AdamProbe(steps=30)(z, y, split)
    assert torch.equal(torch.get_rng_state(), state)
    assert first == AdamProbe(steps=30)(z, y, split)
    assert first != AdamProbe(steps=1, seed=9)(z, y, split)


@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"steps": 0}, "'steps' must be an integer of at least 1 (got 0)"),
        ({"lr": -0.5}, "'lr' must be a positive number (got -0.5)"),
        ({"every": 0}, "'every' must be an integer of at least 1 (got 0)"),
        ({"seed": -2}, "'seed' must be an integer of at least 0 (got -2)"),
    ],
)
def test_refusals(options, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape('AdamProbe: ' + sentence)}$"):
        AdamProbe(**options)


def test_refuses_one_class_to_train_on():
    z, y, _ = make_blobs()
    one = torch.arange(0, 30, 3)
    sentence = "AdamProbe: 'train' must be nodes of two classes or more (got 'one class')"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        AdamProbe()(z, y, Split(one, one + 1, one + 2))


def test_trains_in_inference_mode():
    z, y, split = make_blobs()
    expected = AdamProbe(steps=30)(z, y, split)
    with torch.inference_mode():
        assert AdamProbe(steps=30)(z.clone(), y.clone(), split) == expected

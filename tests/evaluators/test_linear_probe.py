import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import classification_report, f1_score

from gclkit.evaluators import LinearProbe
from gclkit.evaluators.linear_probe import scale_embeddings
from gclkit.graphs import Split, random_split


def make_blobs(n=300, d=9, noise=0.8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % 3
    z = torch.randn(3, d, generator=generator)[y] + noise * torch.randn(n, d, generator=generator)
    return z, y, random_split(n, train=0.1, val=0.1, generator=generator)


def test_stays_within_three_tenths_of_a_point_of_scikit_learn():
    z, y, _ = make_blobs(3000, noise=1.6)
    for seed in range(3):
        split = random_split(3000, seed=seed)
        scaled = scale_embeddings(z.double(), "l2").numpy()
        probe = LinearProbe()
        fits = [
            LogisticRegression(C=c, tol=1e-9, max_iter=5000).fit(
                scaled[split.train], y[split.train]
            )
            for c in probe.strengths
        ]
        best = max(fits, key=lambda fit: fit.score(scaled[split.val], y[split.val]))
        scores = probe(z, y, split)
        assert abs(scores.accuracy - best.score(scaled[split.test], y[split.test])) <= 0.003


def test_many_splits_at_once_equal_each_alone():
    z, y, _ = make_blobs()
    splits = [random_split(300, train=0.1 * (i + 1), seed=i) for i in range(4)]
    probe = LinearProbe(tolerance=1e-6, max_iter=2000)
    assert probe.score_splits(z, y, splits) == [probe(z, y, split) for split in splits]
    assert probe.score_splits(z, y, []) == []


def test_chunks_give_the_same_scores(monkeypatch):
    z, y, _ = make_blobs()
    splits = [random_split(300, seed=i) for i in range(5)]
    at_once = LinearProbe().score_splits(z, y, splits)
    monkeypatch.setattr("gclkit.evaluators.linear_probe._BUDGET", 1)
    assert LinearProbe().score_splits(z, y, splits) == at_once


def test_f1_and_report_are_those_of_scikit_learn():
    z, y, split = make_blobs(noise=2.0)
    scores = LinearProbe()(z, y, split)
    truth, predicted = y[split.test].numpy(), scores.predicted.numpy()
    assert scores.macro_f1 == pytest.approx(f1_score(truth, predicted, average="macro"))
    assert scores.micro_f1 == pytest.approx(f1_score(truth, predicted, average="micro"))
    report = classification_report(truth, predicted, output_dict=True)
    for label, row in enumerate(scores.per_class()):
        expected = report[str(label)]
        assert row["precision"] == pytest.approx(expected["precision"])
        assert row["recall"] == pytest.approx(expected["recall"])
        assert row["f1"] == pytest.approx(expected["f1-score"])
        assert row["support"] == expected["support"]


def test_test_labels_do_not_choose_the_model():
    z, y, split = make_blobs(noise=1.8)
    chosen = LinearProbe()(z, y, split)
    reached = set()
    for seed in range(8):
        generator = torch.Generator().manual_seed(seed)
        y[split.test] = torch.randint(0, 3, split.test.shape, generator=generator)
        scores = LinearProbe()(z, y, split)
        assert scores.strength == chosen.strength
        assert torch.equal(scores.predicted, chosen.predicted)
        reached.add(scores.accuracy)
    assert len(reached) > 1  # The relabelling is strong enough to move what must not move it.


def test_validation_labels_do_choose_the_model():
    z, y, split = make_blobs(noise=1.8)
    chosen = set()
    for seed in range(8):
        generator = torch.Generator().manual_seed(seed)
        y[split.val] = torch.randint(0, 3, split.val.shape, generator=generator)
        chosen.add(LinearProbe()(z, y, split).strength)
    assert len(chosen) > 1


def test_the_smallest_of_equal_strengths_is_kept():
    z, y, split = make_blobs(noise=0.05)
    scores = LinearProbe(strengths=(10.0, 0.5, 2.0))(z, y, split)
    assert (scores.strength, scores.val_accuracy) == (0.5, 1.0)


@pytest.mark.parametrize("scaling", ["l2", "common", "standardize", "none"])
def test_constant_and_single_columns_are_scored(scaling):
    z, y, split = make_blobs()
    z[:, 4] = 7.25
    assert LinearProbe(scaling=scaling)(z, y, split).accuracy > 0.6
    assert 0 <= LinearProbe(scaling=scaling)(z[:, :1], y, split).accuracy <= 1
    collapsed = LinearProbe(scaling=scaling)(torch.full((300, 5), 0.3), y, split)
    assert collapsed.accuracy == pytest.approx(1 / 3, abs=0.05)


def test_scaling_is_invariant_to_a_common_factor():
    z, y, split = make_blobs()
    for scaling in ("l2", "common", "standardize"):
        probe = LinearProbe(scaling=scaling)
        assert probe(1000 * z, y, split).accuracy == pytest.approx(
            probe(z, y, split).accuracy, abs=0.005
        )
    assert scale_embeddings(z, "common").var(dim=0, correction=0).mean() == pytest.approx(1.0)


def test_sparse_features_equal_dense_ones():
    z, y, split = make_blobs()
    z = z * (z > 0.5)
    assert LinearProbe()(z.to_sparse_csr(), y, split) == LinearProbe()(z, y, split)


def test_a_class_that_only_the_test_nodes_have_lowers_the_macro_f1():
    z, y, split = make_blobs()
    y[split.test[0]] = 3
    assert LinearProbe()(z, y, split).per_class()[3] == {
        "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1.0,
    }  # fmt: skip


def refusal(*arguments, **settings):
    with pytest.raises(ValueError) as error:
        LinearProbe(**settings)(*arguments)
    return str(error.value)


def test_refusals():
    z, y, split = make_blobs()
    broken = z.clone()
    broken[3, 2] = torch.nan
    assert refusal(broken, y, split) == (
        "LinearProbe: 'z' must be finite (got '1 of 2700 entries NaN or infinite')"
    )
    assert refusal(z[:, 0], y, split) == (
        "LinearProbe: 'z' must be a matrix of one row per node, two or more nodes (got (300,))"
    )
    assert refusal(z[:-1], y, split) == (
        "LinearProbe: 'y' must be one label per node, of shape (299,) (got (300,))"
    )
    assert refusal(z, y * 2, split) == (
        "LinearProbe: 'y' must be numbered without gaps "
        "(torch.unique(y, return_inverse=True)[1] does it) (got 'no node of class 1')"
    )
    assert refusal(z, y - 1, split) == (
        "LinearProbe: 'y' must be classes numbered from 0 (random splits, of make_splits or "
        "--splits, hold known ones alone) (got -1)"
    )
    assert refusal(z, y * 0, split) == (
        "LinearProbe: 'y' must be labels of two classes or more (got 'one class')"
    )
    assert refusal(z, y.float(), split) == (
        "LinearProbe: 'y' must be of an integer dtype (got torch.float32)"
    )
    one = torch.arange(0, 30, 3)
    assert refusal(z, y, Split(one, one + 1, one + 2)) == (
        "LinearProbe: 'train' must be nodes of two classes or more (got 'one class')"
    )
    assert refusal(z, y, split, strengths=()) == (
        "LinearProbe: 'strengths' must be a list of one number or more (got ())"
    )
    assert refusal(z, y, split, scaling="max") == (
        "LinearProbe: 'scaling' must be one of ['common', 'l2', 'none', 'standardize'] (got 'max')"
    )
    assert refusal(z, y, split, tolerance=0.0) == (
        "LinearProbe: 'tolerance' must be a positive number (got 0.0)"
    )

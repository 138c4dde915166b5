import pytest
import torch

from gclkit.checks import check_positive
from gclkit.evaluators import ProbeScores
from gclkit.evaluators.probe_scores import check_probe_input, check_settings
from gclkit.graphs import Split


def test_scores_of_predictions_counted_by_hand():
    y, predicted = torch.tensor([0, 0, 0, 1, 2]), torch.tensor([0, 0, 1, 1, 1])
    scores = ProbeScores.of(y, predicted, 3, strength=0.3, val_accuracy=0.75)
    assert scores.confusion.tolist() == [[2, 1, 0], [0, 1, 0], [0, 1, 0]]
    assert scores.accuracy == scores.micro_f1 == pytest.approx(3 / 5)
    assert scores.macro_f1 == pytest.approx((4 / 5 + 2 / 4 + 0) / 3)
    assert (scores.strength, scores.val_accuracy) == (0.3, 0.75)
    assert torch.equal(scores.predicted, predicted)
    assert scores.per_class()[0] == {"precision": 1.0, "recall": 2 / 3, "f1": 0.8, "support": 3.0}


def test_input_comes_back_fit_for_a_probe():
    z, y = torch.arange(12.0).view(6, 2).half(), torch.arange(6, dtype=torch.int16) % 2
    parts = torch.arange(6).split(2)
    z, y, splits = check_probe_input("f", z, y, [parts])
    assert (z.dtype, y.dtype) == (torch.float32, torch.int64) and isinstance(splits[0], Split)
    with pytest.raises(ValueError) as error:
        check_probe_input("f", z, torch.tensor([1, 1, 0, 0, 1, 0]), splits)
    assert str(error.value) == ("f: 'train' must be nodes of two classes or more (got 'one class')")
    with pytest.raises(ValueError) as error:
        check_probe_input("f", z[:5], y[:5], splits)
    assert str(error.value) == "f: 'test' must be node indices below 5 (got 5)"
    with pytest.raises(ValueError) as error:
        check_probe_input("f", z, y, splits[0])
    assert str(error.value) == "f: 'splits' must be a list of splits (got 'one split')"


def test_settings_are_a_list_of_sound_numbers():
    check_settings("f", "strengths", (0.1, 1), check_positive)
    for values, sentence in (
        (1.0, "a list of one number or more (got 1.0)"),
        ([], "a list of one number or more (got [])"),
        ((0.1, 0.0), "a positive number (got 0.0)"),
    ):
        with pytest.raises(ValueError) as error:
            check_settings("f", "strengths", values, check_positive)
        assert str(error.value) == f"f: 'strengths' must be {sentence}"

import re

import pytest

from gclkit.training.run_settings import RunSettings


def test_lists_are_not_shared():
    RunSettings().seeds.append(7)
    assert RunSettings().seeds == [0, 1, 2]


def test_a_run_without_tasks_or_controls_is_one():
    assert RunSettings(tasks=[], controls=[], splits="5-shot", every=7).every == 7


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"seeds": 3}, "'seeds' must be a list of one seed or more (got 3)"),
        ({"seeds": []}, "'seeds' must be a list of one seed or more (got [])"),
        ({"seeds": [2, "a"]}, "'seeds' must be an integer of at least 0 (got 'a')"),
        ({"seeds": [5, 5]}, "'seeds' must be different numbers (got [5, 5])"),
        ({"tasks": "clustering"}, "'tasks' must be a list of names (got 'clustering')"),
        ({"controls": [3]}, "'controls' must be a list of names (got [3])"),
        ({"num_splits": 0}, "'num_splits' must be an integer of at least 1 (got 0)"),
        ({"every": None}, "'every' must be an integer of at least 1 (got None)"),
        ({"evaluate_every": 0}, "'evaluate_every' must be an integer of at least 1 (got 0)"),
        ({"tensorboard": "yes"}, "'tensorboard' must be true or false (got 'yes')"),
        ({"papers_probe": 1}, "'papers_probe' must be true or false (got 1)"),
        ({"device": 0}, "'device' must be a text (got 0)"),
        ({"splits": None}, "'splits' must be a text (got None)"),
        ({"pot_anchors": 0}, "'pot_anchors' must be an integer of at least 1 (got 0)"),
        ({"pot_mode": None}, "'pot_mode' must be a text (got None)"),
        ({"regularizer": "none"}, "'regularizer' must be one of ['pot'] (got 'none')"),
        ({"kappa": 1.5}, "'kappa' must be a probability in [0, 1] (got 1.5)"),
    ],
)
def test_refuses_values_of_another_kind(settings, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(f'RunSettings: {sentence}')}$"):
        RunSettings(**settings)

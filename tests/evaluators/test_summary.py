import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gclkit.evaluators import summarize


def rows(values):
    return [{"seed": i, "split": 0, "value": value} for i, value in enumerate(values)]


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=30))
@settings(deadline=None)
def test_is_the_sample_mean_deviation_and_t_interval(values):
    found = summarize(rows(values))
    assert found["mean"] == pytest.approx(np.mean(values), abs=1e-12)
    assert found["std"] == pytest.approx(np.std(values, ddof=1), abs=1e-12)
    assert found["n"] == len(values)
    if found["std"] > 1e-9:
        low, high = stats.t.interval(
            0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values)
        )
        assert found["interval"] == pytest.approx([low, high], abs=1e-9)
    assert json.loads(json.dumps(found)) == found


def test_the_interval_has_the_confidence_asked_for():
    values = [0.3, 0.7, 0.45, 0.5]
    found = summarize(rows(values), confidence=0.8)
    interval = stats.t.interval(0.8, 3, loc=np.mean(values), scale=stats.sem(values))
    assert found["interval"] == pytest.approx(list(interval)) and found["confidence"] == 0.8


def test_one_value_has_no_deviation():
    found = summarize(rows([0.25]))
    assert (found["std"], found["interval"], found["n"]) == (None, None, 1)


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_a_confidence_without_an_interval_is_refused(confidence):
    with pytest.raises(ValueError) as error:
        summarize(rows([0.5, 0.6]), confidence=confidence)
    assert str(error.value) == (f"summarize: 'confidence' must be inside (0, 1) (got {confidence})")


def test_refusals():
    with pytest.raises(ValueError) as error:
        summarize([])
    assert str(error.value) == "summarize: 'values' must be one value or more (got [])"
    with pytest.raises(ValueError) as error:
        summarize(rows([0.5, float("nan")]))
    assert str(error.value) == "summarize: 'values' must be finite (got [nan])"

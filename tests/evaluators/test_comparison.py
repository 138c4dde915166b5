import numpy as np
import pytest
from scipy import stats

from gclkit.evaluators import compare_paired, differs, summarize


def summary(values, first_seed=0):
    return summarize(
        {"seed": first_seed + i // 3, "split": i % 3, "value": value}
        for i, value in enumerate(values)
    )


def test_is_the_paired_test_of_scipy():
    draw = np.random.default_rng(0)
    a = draw.normal(0.8, 0.05, 12)
    b = a - draw.normal(0.01, 0.01, 12)
    found = compare_paired(summary(a), summary(b))
    assert found.p_value == pytest.approx(stats.ttest_rel(a, b).pvalue)
    assert found.p_signed_rank == pytest.approx(stats.wilcoxon(a, b).pvalue)
    assert found.difference == pytest.approx((a - b).mean())
    assert found.effect_size == pytest.approx((a - b).mean() / (a - b).std(ddof=1))
    interval = stats.ttest_rel(a, b).confidence_interval()
    assert found.interval == pytest.approx((interval.low, interval.high))
    assert found.n == 12
    interval = stats.ttest_rel(a, b).confidence_interval(0.8)
    found = compare_paired(summary(a), summary(b), confidence=0.8)
    assert found.interval == pytest.approx((interval.low, interval.high))


def test_pairs_by_seed_and_split_not_by_place():
    draw = np.random.default_rng(1)
    a, b = draw.normal(size=9), draw.normal(size=9)
    one, two = summary(a), summary(b)
    two["values"] = two["values"][::-1]
    assert compare_paired(one, two) == compare_paired(summary(a), summary(b))


def test_equal_differences_are_certain():
    a = np.arange(6) / 7
    assert compare_paired(summary(a + 0.125), summary(a)).p_value == 0.0
    same = compare_paired(summary(a), summary(a))
    assert (same.p_value, same.p_signed_rank, same.effect_size) == (1.0, 1.0, None)


def test_differs_by_pairs_where_there_are_pairs():
    draw = np.random.default_rng(2)
    hard = draw.normal(0.7, 0.2, 12)  # Splits differ far more than the methods do.
    better = hard + draw.normal(0.02, 0.005, 12)
    assert differs(summary(better), summary(hard))
    assert not differs(summary(better), summary(hard, first_seed=50))
    assert not differs(summary(better[:1]), summary(hard[:1]))


@pytest.mark.parametrize("value", [0.1, 0.7])
def test_values_that_are_all_equal_on_a_side(value):
    equal, drawn = [value] * 6, np.random.default_rng(5).normal(value, 0.1, 9)
    assert not differs(summary(equal), summary(equal[:5]))
    assert differs(summary(equal), summary([value + 0.01] * 5))
    assert not differs(summary(equal), summary(drawn)) and not differs(
        summary(drawn), summary(equal)
    )
    assert differs(summary(equal), summary(drawn + 0.5))


def test_the_level_decides_what_differs():
    draw = np.random.default_rng(3)
    one, two = draw.normal(size=7), draw.normal(0.6, size=9)
    paired = stats.ttest_rel(one, two[:7]).pvalue
    welch = stats.ttest_ind(one, two, equal_var=False).pvalue
    for p, other in ((paired, two[:7]), (welch, two)):
        assert differs(summary(one), summary(other), level=p + 0.01)
        assert not differs(summary(one), summary(other), level=p - 0.01)


def test_other_runs_are_refused():
    with pytest.raises(ValueError) as error:
        compare_paired(summary([1.0, 2.0]), summary([1.0, 2.0, 3.0]))
    assert str(error.value) == (
        "compare_paired: 'second' must be over the same two or more seeds and splits "
        "(got '2 and 3 values')"
    )

import pytest
import torch

from gclkit.testing.asserts import assert_as_accurate_as

TRUTH = torch.linspace(1, 2, 50, dtype=torch.float64)


def test_accepts_rounding():
    assert_as_accurate_as(TRUTH.float(), TRUTH.float(), TRUTH)


def test_grants_the_slack_and_no_more():
    rival = (TRUTH + 1e-3).float()
    assert_as_accurate_as((TRUTH - 3.9e-3).float(), rival, TRUTH)
    with pytest.raises(AssertionError, match="exceeds the budget"):
        assert_as_accurate_as((TRUTH - 4.1e-3).float(), rival, TRUTH)


@pytest.mark.parametrize(
    "spoil", [torch.neg, torch.zeros_like, lambda x: x + 1e-4, lambda x: x / 0, lambda x: x[:9]]
)
def test_rejects_what_is_wrong(spoil):
    with pytest.raises(AssertionError):
        assert_as_accurate_as(spoil(TRUTH.float()), TRUTH.float(), TRUTH)


def test_a_rival_that_is_not_finite_is_beaten_by_a_finite_candidate_only():
    truth = torch.tensor([0.3, 2.0], dtype=torch.float64)
    rival = torch.tensor([0.3, torch.nan])
    assert_as_accurate_as(torch.tensor([0.31, 2.0]), rival, truth)
    with pytest.raises(AssertionError, match="non-finite"):
        assert_as_accurate_as(rival, rival, truth)


def test_rejects_a_truth_that_is_not_exact():
    with pytest.raises(AssertionError, match="the truth must be float64"):
        assert_as_accurate_as(TRUTH.float(), TRUTH.float(), TRUTH.float())

import pytest
import torch

from gclkit.losses.positives import (
    check_positives,
    mean_over_positives,
    mean_positive,
    partner_pairs,
    positive_counts,
    sole_positives,
)

PAIRS = torch.tensor([[0, 0, 2, 0], [1, 2, 2, 1]])


def test_pairs_are_made_distinct_and_counted():
    distinct = check_positives("f", PAIRS, 4)
    assert distinct.tolist() == [[0, 0, 2], [1, 2, 2]]
    assert positive_counts(distinct, 4).tolist() == [2, 0, 1, 0]


def test_means_by_hand_and_their_gradient():
    rows = torch.arange(8.0, dtype=torch.float64).view(4, 2).requires_grad_()
    distinct = check_positives("f", PAIRS, 4)
    means = mean_over_positives(distinct, rows)
    assert means.tolist() == [[3.0, 4.0], [0.0, 0.0], [4.0, 5.0], [0.0, 0.0]]
    assert torch.autograd.gradcheck(lambda r: mean_over_positives(distinct, r), (rows,))


def test_each_view_takes_its_positives_from_the_other():
    u1, u2 = torch.randn(2, 4, 3, dtype=torch.float64)
    distinct, bias = check_positives("f", PAIRS, 4), torch.tensor([0.1, 0.2, 0.4, 0.8]).double()
    target, mean_bias = mean_positive(distinct, u1, u2, bias)
    torch.testing.assert_close(target[:4], mean_over_positives(distinct, u2))
    torch.testing.assert_close(target[4:], mean_over_positives(distinct, u1))
    torch.testing.assert_close(mean_bias, torch.tensor([0.3, 0.0, 0.4, 0.0] * 2).double())
    assert mean_positive(distinct, u1, u2, None)[1] is None


@pytest.mark.parametrize(
    ("positives", "sentence"),
    [
        (torch.tensor([[0], [4]]), r"'positives' must be indices from 0 to 3 \(got 4\)"),
        (torch.tensor([[0], [-1]]), r"'positives' must be indices from 0 to 3 \(got -1\)"),
        (torch.tensor([[0.0], [1.0]]), r"'positives' must be pairs \(anchor, positive\), int64"),
        (torch.tensor([0, 1]), r"'positives' must be pairs \(anchor, positive\), int64"),
    ],
)
def test_refusals(positives, sentence):
    with pytest.raises(ValueError, match=f"^f: {sentence}"):
        check_positives("f", positives, 4)


def test_sole_positives_are_those_of_each_other_alone():
    positives = torch.tensor([[0, 1, 2, 2, 3, 4], [1, 0, 2, 3, 2, 0]])
    partner = sole_positives(positives, 6)
    assert partner.tolist() == [1, 0, -1, -1, -1, -1]
    assert partner_pairs(partner).tolist() == [[0, 1], [1, 0]]
    assert sole_positives(torch.tensor([[2], [2]]), 3).tolist() == [-1, -1, 2]

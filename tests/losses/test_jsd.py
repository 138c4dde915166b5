import math

import pytest
import torch
import torch.nn.functional as F

from gclkit.losses import jsd


def test_matches_the_formula_pair_by_pair(views):
    z1, z2 = views(7)
    positive = torch.stack([F.softplus(-z1[i] @ z2[i]) for i in range(7)]).mean()
    negative = torch.stack(
        [F.softplus(z1[i] @ z2[j]) for i in range(7) for j in range(7) if i != j]
    ).mean()
    expected = positive + negative - 2 * math.log(2)
    torch.testing.assert_close(jsd(z1, z2, block_rows=3), expected)


def test_is_zero_where_nothing_is_known():
    z = torch.zeros(4, 3)
    assert jsd(z, z).item() == pytest.approx(0, abs=1e-6)


def test_a_pair_left_out_contributes_nothing():
    # PyGCL multiplies scores by the mask, so a masked pair still adds softplus(0) (its #73).
    far = 100 * torch.eye(4)
    assert jsd(far, far).item() == pytest.approx(math.log(2) - 2 * math.log(2), rel=1e-6)


def test_gradcheck(views):
    assert torch.autograd.gradcheck(lambda a, b: jsd(a, b, block_rows=3), views(7))


def test_refuses_a_single_row(views):
    with pytest.raises(ValueError) as error:
        jsd(*views(1))
    assert str(error.value) == (
        "jsd: 'z1' must be a matrix of at least 2 rows and one column (got (1, 5))"
    )


def test_large_scores_are_exact():
    z = torch.tensor([[21.0], [1.0], [-1.0]], dtype=torch.float64)
    ones = torch.tensor([[-1.0], [1.0], [-1.0]], dtype=torch.float64)
    scores = z @ ones.T
    terms = torch.logaddexp(scores, torch.zeros_like(scores)).fill_diagonal_(0).sum() / 6
    terms = terms + torch.logaddexp(-scores.diagonal(), torch.zeros(3).double()).mean()
    loss = jsd(z, ones) + 2 * math.log(2)
    torch.testing.assert_close(loss, terms, rtol=1e-14, atol=0)

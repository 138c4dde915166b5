import math

import pytest
import torch
import torch.nn.functional as F

from gclkit.losses import debiased_infonce, infonce


def formula(z1, z2, tau, prior):
    """The objective in plain exponentials, anchor by anchor."""
    n, terms = len(z1), []
    for a, b in ((F.normalize(z1), F.normalize(z2)), (F.normalize(z2), F.normalize(z1))):
        for i in range(n):
            others = [j for j in range(n) if j != i]
            positive = torch.exp(a[i] @ b[i] / tau)
            negatives = torch.exp(torch.cat([a[i] @ a[others].T, a[i] @ b[others].T]) / tau)
            count = 2 * (n - 1)
            corrected = (negatives.sum() - count * prior * positive) / (1 - prior)
            corrected = corrected.clamp(min=count * math.exp(-1 / tau))
            terms.append(-torch.log(positive / (positive + corrected)))
    return torch.stack(terms).mean()


@pytest.mark.parametrize("prior", [0.0, 0.1, 0.6])  # .6: the floor holds for some anchors.
def test_matches_the_formula_and_its_gradient(views, prior):
    z1, z2 = views(8)
    loss = debiased_infonce(z1, z2, temperature=0.4, class_prior=prior, block_rows=5)
    expected = formula(z1, z2, 0.4, prior)
    torch.testing.assert_close(loss, expected)
    for mine, exact in zip(
        torch.autograd.grad(loss, (z1, z2)), torch.autograd.grad(expected, (z1, z2)), strict=True
    ):
        torch.testing.assert_close(mine, exact)


def test_without_a_prior_it_is_infonce(views):
    z1, z2 = views(8)
    loss = debiased_infonce(z1, z2, temperature=0.3, class_prior=0.0)
    torch.testing.assert_close(loss, infonce(z1, z2, temperature=0.3))


def test_has_the_right_sign_and_falls_as_the_positive_gets_nearer(views):
    # PyGCL raises on every call, and with the shapes repaired the sign is wrong (its #56).
    z1, z2 = views(20)
    losses = [debiased_infonce(z1, torch.lerp(z2, z1, share)) for share in (0.0, 0.5, 1.0)]
    assert losses[0] > losses[1] > losses[2] > 0
    before = debiased_infonce(z1, z2)
    grad1, grad2 = torch.autograd.grad(before, (z1, z2))
    assert debiased_infonce(z1 - 0.1 * grad1, z2 - 0.1 * grad2) < before


def test_a_tiny_temperature_gives_no_nan(views):
    z1, z2 = views(8, dtype=torch.float32)
    loss = debiased_infonce(z1, z2, temperature=2e-3, class_prior=0.3)
    loss.backward()
    assert loss.isfinite() and z1.grad.isfinite().all()


def test_refuses_a_prior_of_one(views):
    for prior, rule in ((1.0, "a probability below 1"), (-0.1, "a probability in [0, 1]")):
        with pytest.raises(ValueError) as error:
            debiased_infonce(*views(3), class_prior=prior)
        assert str(error.value) == f"debiased_infonce: 'class_prior' must be {rule} (got {prior})"


def test_terms_far_above_their_positive_are_exact(views):
    z1, z2 = views(9, noise=9.0)
    loss = debiased_infonce(z1, z2, temperature=0.02, class_prior=0.0)
    expected = infonce(z1, z2, temperature=0.02)
    assert expected > 20
    torch.testing.assert_close(loss, expected, rtol=1e-14, atol=0)

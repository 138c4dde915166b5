import math

import pytest
import torch
import torch.nn.functional as F

from gclkit.losses import debiased_infonce, hardness_infonce, infonce


def formula(z1, z2, tau, prior, beta):
    """The objective in plain exponentials, anchor by anchor."""
    n, terms = len(z1), []
    for a, b in ((F.normalize(z1), F.normalize(z2)), (F.normalize(z2), F.normalize(z1))):
        for i in range(n):
            others = [j for j in range(n) if j != i]
            positive = torch.exp(a[i] @ b[i] / tau)
            negatives = torch.exp(torch.cat([a[i] @ a[others].T, a[i] @ b[others].T]) / tau)
            importance = negatives**beta
            weighted = (importance * negatives).sum() / importance.mean()
            count = 2 * (n - 1)
            corrected = (weighted - count * prior * positive) / (1 - prior)
            corrected = corrected.clamp(min=count * math.exp(-1 / tau))
            terms.append(-torch.log(positive / (positive + corrected)))
    return torch.stack(terms).mean()


@pytest.mark.parametrize("prior, beta", [(0.0, 0.5), (0.1, 1.0), (0.3, 2.0)])
def test_matches_the_formula_and_its_gradient(views, prior, beta):
    z1, z2 = views(8)
    options = {"temperature": 0.4, "class_prior": prior, "beta": beta}
    loss = hardness_infonce(z1, z2, block_rows=5, **options)
    expected = formula(z1, z2, 0.4, prior, beta)
    torch.testing.assert_close(loss, expected)
    for mine, exact in zip(
        torch.autograd.grad(loss, (z1, z2)), torch.autograd.grad(expected, (z1, z2)), strict=True
    ):
        torch.testing.assert_close(mine, exact)


def test_without_hardness_it_is_the_debiased_objective(views):
    z1, z2 = views(8)
    torch.testing.assert_close(hardness_infonce(z1, z2, beta=0.0), debiased_infonce(z1, z2))


def test_has_the_right_sign_and_falls_as_the_positive_gets_nearer(views):
    # PyGCL raises on every call, and with the shapes repaired the sign is wrong (its #56).
    z1, z2 = views(20)
    losses = [hardness_infonce(z1, torch.lerp(z2, z1, share)) for share in (0.0, 0.5, 1.0)]
    assert losses[0] > losses[1] > losses[2] > 0
    assert hardness_infonce(z1, z2, beta=2.0) > hardness_infonce(z1, z2, beta=0.5)


def test_a_tiny_temperature_gives_no_nan(views):
    z1, z2 = views(8, dtype=torch.float32)
    loss = hardness_infonce(z1, z2, temperature=2e-3, class_prior=0.3)
    loss.backward()
    assert loss.isfinite() and z1.grad.isfinite().all()


def test_refuses_a_negative_hardness(views):
    with pytest.raises(ValueError) as error:
        hardness_infonce(*views(3), beta=-1.0)
    assert str(error.value) == (
        "hardness_infonce: 'beta' must be a number of at least 0 (got -1.0)"
    )


def test_terms_far_above_their_positive_are_exact(views):
    z1, z2 = views(9, noise=9.0)
    options = {"temperature": 0.02, "class_prior": 0.0}
    loss = hardness_infonce(z1, z2, beta=0.0, **options)
    torch.testing.assert_close(loss, infonce(z1, z2, temperature=0.02), rtol=1e-14, atol=0)

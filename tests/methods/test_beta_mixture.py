import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gclkit.methods.beta_mixture import BetaMixture

DENSITY = torch.distributions.Beta


def sample(shares, alphas, betas, size=40_000):
    rng = np.random.default_rng(0)
    parts = [
        rng.beta(a, b, size=round(size * share))
        for share, a, b in zip(shares, alphas, betas, strict=True)
    ]
    return torch.from_numpy(np.concatenate(parts))


def test_finds_a_mixture_again():
    mixture = BetaMixture(share=0.2, steps=60)
    mixture.fit(sample((0.8, 0.2), (4.0, 18.0), (9.0, 5.0)))
    torch.testing.assert_close(mixture.alpha, torch.tensor([4.0, 18.0]).double(), rtol=0.1, atol=0)
    torch.testing.assert_close(mixture.beta, torch.tensor([9.0, 5.0]).double(), rtol=0.1, atol=0)
    torch.testing.assert_close(mixture.share, torch.tensor([0.8, 0.2]).double(), rtol=0.05, atol=0)


def test_a_step_by_loops():
    x = sample((0.7, 0.3), (3.0, 8.0), (6.0, 3.0), size=200)
    mixture = BetaMixture(share=0.3, steps=1)
    mixture.fit(x)
    log_terms = [
        DENSITY(torch.tensor(a), torch.tensor(b)).log_prob(x) + np.log(share)
        for a, b, share in ((1.0, 2.0, 0.7), (2.0, 1.0, 0.3))
    ]
    weight = torch.stack(log_terms).softmax(dim=0)
    for k in (0, 1):
        mean = np.average(x, weights=weight[k])
        variance = np.average((x.numpy() - mean) ** 2, weights=weight[k])
        alpha = mean * (mean * (1 - mean) / variance - 1)
        assert float(mixture.alpha[k]) == pytest.approx(alpha, rel=1e-6)
        assert float(mixture.beta[k]) == pytest.approx(alpha * (1 - mean) / mean, rel=1e-6)
        assert float(mixture.share[k]) == pytest.approx(float(weight[k].mean()), rel=1e-6)


@pytest.mark.parametrize("swapped", [False, True])
def test_the_posterior_is_that_of_the_lower_component(swapped):
    mixture = BetaMixture()
    order = [1, 0] if swapped else [0, 1]
    mixture.alpha.copy_(torch.tensor([3.0, 9.0])[order])
    mixture.beta.copy_(torch.tensor([7.0, 2.0])[order])
    mixture.share.copy_(torch.tensor([0.6, 0.4])[order])
    x = torch.linspace(0.01, 0.99, 42, dtype=torch.float64).view(6, 7)
    low = 0.6 * DENSITY(3.0, 7.0).log_prob(x).exp()
    high = 0.4 * DENSITY(9.0, 2.0).log_prob(x).exp()
    torch.testing.assert_close(mixture.lower_posterior(x), low / (low + high), rtol=1e-5, atol=1e-9)
    single = mixture.lower_posterior(x.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), low / (low + high), rtol=1e-4, atol=1e-6)


@settings(deadline=None, max_examples=40)
@given(values=st.lists(st.floats(0, 1), min_size=1, max_size=30), share=st.floats(0.01, 0.99))
def test_any_sample_gives_finite_parameters(values, share):
    mixture = BetaMixture(share=share)
    mixture.fit(torch.tensor(values))
    for state in (mixture.alpha, mixture.beta, mixture.share):
        assert state.isfinite().all() and (state >= 0).all()
    posterior = mixture.lower_posterior(torch.linspace(0, 1, 11))
    assert ((posterior >= 0) & (posterior <= 1)).all()


def test_a_fit_starts_over_and_is_kept_in_the_state():
    x = sample((0.8, 0.2), (4.0, 18.0), (9.0, 5.0), size=500)
    mixture, other = BetaMixture(), BetaMixture()
    mixture.fit(torch.rand(50, generator=torch.Generator().manual_seed(0)))
    mixture.fit(x)
    other.fit(x)
    assert torch.equal(mixture.alpha, other.alpha)
    fresh = BetaMixture()
    fresh.load_state_dict(mixture.state_dict())
    assert torch.equal(fresh.share, mixture.share)
    mixture.reset_parameters()
    assert torch.equal(mixture.alpha, BetaMixture().alpha)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: BetaMixture(share=0.0),
            "BetaMixture: 'share' must be strictly between 0 and 1 (got 0.0)",
        ),
        (
            lambda: BetaMixture(share=2.0),
            "BetaMixture: 'share' must be a probability in [0, 1] (got 2.0)",
        ),
        (
            lambda: BetaMixture(steps=0),
            "BetaMixture: 'steps' must be an integer of at least 1 (got 0)",
        ),
        (
            lambda: BetaMixture().fit(torch.empty(0)),
            "BetaMixture: 'x' must be a sample of at least one number (got 'none')",
        ),
        (
            lambda: BetaMixture().fit(torch.tensor([0.5, float("nan")])),
            "BetaMixture: 'x' must be finite (got '1 of 2 entries NaN or infinite')",
        ),
    ],
)
def test_refusals(call, sentence):
    with pytest.raises(ValueError) as error:
        call()
    assert str(error.value) == sentence

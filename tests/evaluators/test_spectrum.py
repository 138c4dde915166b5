import math

import numpy as np
import pytest
import torch

from gclkit.evaluators import covariance_spectrum, effective_rank


def test_is_the_spectrum_of_numpy():
    z = torch.randn(40, 6, generator=torch.Generator().manual_seed(0)) * torch.arange(1, 7)
    expected = np.sort(np.linalg.eigvalsh(np.cov(z.double().numpy().T, ddof=0)))[::-1]
    np.testing.assert_allclose(covariance_spectrum(z).numpy(), expected, rtol=1e-6)
    singular = np.linalg.svd((z - z.mean(0)).double().numpy(), compute_uv=False)
    share = singular / singular.sum()
    assert effective_rank(z) == pytest.approx(math.exp(-(share * np.log(share)).sum()), rel=1e-6)


def test_limits():
    z = torch.randn(50, 1, generator=torch.Generator().manual_seed(1)) @ torch.ones(1, 8)
    assert effective_rank(z) == pytest.approx(1.0, abs=1e-3)
    assert effective_rank(torch.cat([torch.eye(6), -torch.eye(6)])) == pytest.approx(6.0)
    assert effective_rank(torch.full((9, 4), 2.5)) == 0.0

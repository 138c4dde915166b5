import numpy as np
import pytest
import torch

from gclkit.losses import vicreg


def test_matches_the_terms_of_numpy(views):
    z1, z2 = views(9, d=4)
    a, b = (z.detach().numpy() * 0.4 for z in (z1, z2))
    expected = 3.0 * ((a - b) ** 2).mean()
    for z in (a, b):
        matrix = np.cov(z.T)
        deviation = np.sqrt(np.diag(matrix) + 1e-3)
        expected += 5.0 * np.maximum(0, 1 - deviation).mean() / 2
        expected += 0.7 * ((matrix**2).sum() - (np.diag(matrix) ** 2).sum()) / 4
    options = {"invariance": 3.0, "variance": 5.0, "covariance": 0.7, "eps": 1e-3}
    assert vicreg(0.4 * z1, 0.4 * z2, **options).item() == pytest.approx(expected, rel=1e-10)


def test_a_collapsed_embedding_has_a_finite_gradient():
    z = torch.ones(5, 3, requires_grad=True)
    loss = vicreg(z, z.detach())
    loss.backward()
    assert loss.item() == pytest.approx(25 * 0.99, rel=1e-6) and z.grad.isfinite().all()


def test_gradcheck(views):
    assert torch.autograd.gradcheck(lambda a, b: vicreg(0.4 * a, 0.4 * b), views(6))


@pytest.mark.parametrize("name", ["invariance", "variance", "covariance"])
def test_refuses_a_negative_coefficient(views, name):
    with pytest.raises(ValueError) as error:
        vicreg(*views(3), **{name: -1.0})
    assert str(error.value) == f"vicreg: '{name}' must be a number of at least 0 (got -1.0)"

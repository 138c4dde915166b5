import numpy as np
import pytest
import torch

from gclkit.losses import cca_ssg


def test_matches_the_formula(views):
    z1, z2 = views(9, d=4)
    sides = []
    for z in (z1, z2):
        z = z.detach().numpy()
        z = (z - z.mean(axis=0)) / z.std(axis=0, ddof=1) / np.sqrt(8)
        sides.append(z)
    expected = ((sides[0] - sides[1]) ** 2).sum()
    expected += 0.3 * sum(((z.T @ z - np.eye(4)) ** 2).sum() for z in sides)
    assert cca_ssg(z1, z2, weight=0.3).item() == pytest.approx(expected, rel=1e-10)


def test_columns_have_unit_length(views):
    # The diagonal of both Gram matrices is 1, so only the entries beside it cost.
    z, _ = views(9, d=1)
    assert cca_ssg(z, 3 * z + 1, weight=5.0).item() == pytest.approx(0, abs=1e-20)
    assert cca_ssg(z, -z, weight=5.0).item() == pytest.approx(4)


def test_a_constant_column_gives_no_nan(views):
    z1, z2 = views(9)
    z1 = torch.cat([z1, torch.zeros(9, 1)], dim=1).detach().requires_grad_()
    z2 = torch.cat([z2, torch.zeros(9, 1)], dim=1).detach()
    loss = cca_ssg(z1, z2)
    loss.backward()
    assert loss.isfinite() and z1.grad.isfinite().all()


def test_gradcheck(views):
    assert torch.autograd.gradcheck(lambda a, b: cca_ssg(a, b, weight=0.3), views(6))


def test_refuses_bad_input(views):
    with pytest.raises(ValueError) as error:
        cca_ssg(views(3)[0], views(3, d=4)[1])
    assert str(error.value) == "cca_ssg: 'z2' must be of the shape of 'z1', (3, 5) (got (3, 4))"

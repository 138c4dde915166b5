import numpy as np
import pytest
import torch

from gclkit.losses import BarlowTwins, barlow_twins


@pytest.mark.parametrize("weight", [None, 0.3])
def test_matches_the_correlation_matrix_of_numpy(views, weight):
    z1, z2 = views(9, d=4)
    correlation = np.corrcoef(z1.detach().T.numpy(), z2.detach().T.numpy())[:4, 4:]
    agreement = ((1 - np.diag(correlation)) ** 2).sum()
    beside = (correlation**2).sum() - (np.diag(correlation) ** 2).sum()
    expected = agreement + (0.25 if weight is None else weight) * beside
    assert barlow_twins(z1, z2, weight=weight).item() == pytest.approx(expected, rel=1e-10)


def test_whitened_views_that_agree_have_no_loss():
    z, _ = torch.linalg.qr(torch.randn(50, 6, dtype=torch.float64) - 3)
    z = z - z.mean(dim=0)
    z, _ = torch.linalg.qr(z)
    assert barlow_twins(z, 5 * z + 2).item() == pytest.approx(0, abs=1e-20)


def test_a_constant_column_gives_no_nan(views):
    z1, z2 = views(9, d=4)
    z1 = torch.cat([z1, torch.full((9, 1), 3.0)], dim=1).detach().requires_grad_()
    z2 = torch.cat([z2, torch.full((9, 1), 3.0)], dim=1).detach()
    loss = barlow_twins(z1, z2, weight=0.2)
    loss.backward()
    without = barlow_twins(z1[:, :4], z2[:, :4], weight=0.2)
    torch.testing.assert_close(loss, without + 1)
    assert z1.grad.isfinite().all()


def test_gradcheck(views):
    assert torch.autograd.gradcheck(barlow_twins, views(6))


def test_refuses_bad_input(views):
    with pytest.raises(ValueError) as error:
        barlow_twins(*views(1))
    assert str(error.value) == (
        "barlow_twins: 'z1' must be a matrix of at least 2 rows and one column (got (1, 5))"
    )
    with pytest.raises(ValueError) as error:
        BarlowTwins(weight=-0.5)
    assert str(error.value) == "BarlowTwins: 'weight' must be a number of at least 0 (got -0.5)"

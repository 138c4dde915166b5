import pytest
import torch
import torch.nn.functional as F

from gclkit.losses import DCLW, dcl, dclw


def test_the_weights_have_mean_one_and_favour_hard_positives(views):
    z1, z2 = (F.normalize(z) for z in views(9))
    positive, sigma, tau = (z1 * z2).sum(dim=1), 0.5, 0.1
    weight = 2 - 9 * (positive / sigma).softmax(dim=0)
    assert weight.mean().item() == pytest.approx(1)
    assert weight.argmax() == positive.argmin()
    difference = ((1 - weight) * positive / tau).mean()
    torch.testing.assert_close(dclw(z1, z2), dcl(z1, z2) + difference)


def test_equal_positives_and_a_large_sigma_give_dcl(views):
    z1, z2 = views(9)
    torch.testing.assert_close(dclw(z1, z1), dcl(z1, z1))
    torch.testing.assert_close(dclw(z1, z2, sigma=1e8), dcl(z1, z2))


def test_the_gradient_of_the_weight_is_an_option(views):
    z1, z2 = views(6)
    assert torch.autograd.gradcheck(lambda a, b: dclw(a, b, detach_weight=False), (z1, z2))
    values = [dclw(z1, z2, detach_weight=detach) for detach in (True, False)]
    grads = [torch.autograd.grad(value, z1)[0] for value in values]
    assert torch.equal(*values) and not torch.allclose(*grads)


def test_refuses_a_sigma_that_is_not_positive(views):
    with pytest.raises(ValueError) as error:
        dclw(*views(3), sigma=-1)
    assert str(error.value) == "dclw: 'sigma' must be a positive number (got -1)"


def test_the_weight_takes_no_gradient_unless_asked(views):
    z1, z2 = views(9)
    gradients = [
        torch.autograd.grad(loss(z1, z2), z1)[0]
        for loss in (
            dclw,
            DCLW(),
            lambda a, b: dclw(a, b, detach_weight=True),
            lambda a, b: dclw(a, b, detach_weight=False),
        )
    ]
    assert torch.equal(gradients[0], gradients[2]) and torch.equal(gradients[1], gradients[2])
    assert not torch.allclose(gradients[2], gradients[3], rtol=1e-3)

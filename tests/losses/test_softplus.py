import torch

from gclkit.losses.softplus import softplus


def test_is_exact_on_both_sides():
    x = torch.tensor([-700.0, -30.0, 0.3, 21.0, 39.0, 59.0, 800.0], dtype=torch.float64)
    expected = torch.logaddexp(x, torch.zeros_like(x))
    torch.testing.assert_close(softplus(x), expected, rtol=1e-15, atol=0)


def test_gradcheck():
    x = torch.tensor([-3.0, 0.3, 22.0, 70.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(softplus, (x,))

import pytest
import torch

from gclkit.losses.columns import off_diagonal_square, standardize


def test_standardize_gives_mean_zero_and_deviation_one():
    z = torch.randn(20, 3, dtype=torch.float64) * torch.tensor([1.0, 9.0, 0.1]) + 5
    out = standardize(z)
    torch.testing.assert_close(out.mean(dim=0), torch.zeros(3).double(), atol=1e-12, rtol=0)
    torch.testing.assert_close(out.std(dim=0), torch.ones(3).double())


@pytest.mark.parametrize("value", [0.1, -1.7, 3e-30, 0.0])
@pytest.mark.parametrize("n", [3, 7, 1000])
def test_a_constant_column_is_zero_and_has_no_gradient(value, n):
    z = torch.randn(n, 2, generator=torch.Generator().manual_seed(0))
    z[:, 0] = value
    z[1, 0] *= 1 + 2**-22  # Constant up to rounding.
    z.requires_grad_()
    out = standardize(z)
    (out * torch.linspace(1, 2, n)[:, None]).sum().backward()
    assert out[:, 0].eq(0).all() and z.grad[:, 0].eq(0).all()
    assert out[:, 1].std().item() == pytest.approx(1, rel=1e-5) and z.grad[:, 1].ne(0).all()


@pytest.mark.parametrize("size", [2.0**-85, 2.0**126])
def test_the_size_of_a_column_does_not_matter(size):
    z = torch.rand(20, 3, generator=torch.Generator().manual_seed(0)) - 0.3
    assert torch.equal(standardize(z * size), standardize(z))


def test_off_diagonal_square():
    assert off_diagonal_square(torch.tensor([[9.0, 2.0], [-3.0, 7.0]])).item() == 13.0

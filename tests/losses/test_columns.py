import torch

from gclkit.losses.columns import off_diagonal_square, standardize, widen


def test_standardize_gives_mean_zero_and_deviation_one():
    z = torch.randn(20, 3, dtype=torch.float64) * torch.tensor([1.0, 9.0, 0.1]) + 5
    out = standardize(z)
    torch.testing.assert_close(out.mean(dim=0), torch.zeros(3).double(), atol=1e-12, rtol=0)
    torch.testing.assert_close(out.std(dim=0), torch.ones(3).double())


def test_off_diagonal_square():
    assert off_diagonal_square(torch.tensor([[9.0, 2.0], [-3.0, 7.0]])).item() == 13.0


def test_widen_keeps_fp64_and_raises_the_rest():
    assert widen(torch.ones(1, dtype=torch.bfloat16)).dtype == torch.float32
    assert widen(torch.ones(1, dtype=torch.float64)).dtype == torch.float64

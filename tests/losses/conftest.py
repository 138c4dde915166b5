import pytest
import torch


@pytest.fixture
def views():
    """Two related views of ``n`` nodes, in fp64, that want a gradient."""

    def make(n, d=5, seed=0, dtype=torch.float64, noise=0.7):
        generator = torch.Generator().manual_seed(seed)
        z1, z2 = torch.randn(2, n, d, generator=generator, dtype=torch.float64)
        z2 = z1 + noise * z2
        return z1.to(dtype).requires_grad_(), z2.to(dtype).requires_grad_()

    return make

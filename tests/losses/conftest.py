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


@pytest.fixture
def agreeing_views():
    """Views whose positives outweigh all other rows at a small temperature, in fp64."""

    def make(n, d=64, seed=0):
        generator = torch.Generator().manual_seed(seed)
        z1, noise = torch.randn(2, n, d, generator=generator, dtype=torch.float64)
        return z1.requires_grad_(), (z1 + 0.02 * noise).detach().requires_grad_()

    return make


@pytest.fixture
def assert_relatively_exact():
    """Asserts that fp32 keeps the digits of a loss and of its gradients that are next to 0."""

    def check(loss, *inputs, rtol=1e-5):
        results = []
        for dtype in (torch.float64, torch.float32):
            leaves = [z.detach().to(dtype).requires_grad_() for z in inputs]
            value = loss(*leaves)
            results.append([value.detach(), *torch.autograd.grad(value, leaves)])
        for exact, mine in zip(*results, strict=True):
            assert 0 < exact.norm() < 1e-5
            assert (mine.double() - exact).norm() <= rtol * exact.norm()

    return check

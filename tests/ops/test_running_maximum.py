import pytest
import torch

from gclkit.ops.running_maximum import RunningMaximum
from gclkit.ops.tiles import Tiling


@pytest.fixture
def parts():
    generator = torch.Generator().manual_seed(0)
    options = {"generator": generator, "dtype": torch.float64, "requires_grad": True}
    bias = torch.linspace(-2.0, 3.0, 8, dtype=torch.float64, requires_grad=True)
    scale = torch.tensor(1.4, dtype=torch.float64, requires_grad=True)
    return torch.randn(6, 3, **options), torch.randn(8, 3, **options), scale, bias


def test_value_and_gradients(parts):
    queries, keys, scale, bias = parts
    expected = (scale * queries @ keys.T + bias).logsumexp(1)
    out = RunningMaximum.apply(*parts, Tiling(3, torch.float64))
    torch.testing.assert_close(out, expected)
    assert torch.autograd.gradcheck(
        lambda *p: RunningMaximum.apply(*p, Tiling(3, torch.float64)), parts
    )


def test_huge_logits_do_not_overflow(parts):
    queries, keys = (p.detach().float() for p in parts[:2])
    scale = torch.tensor(900.0)
    out = RunningMaximum.apply(queries, keys, scale, None, Tiling(3, torch.float32))
    expected = (900.0 * queries.double() @ keys.double().T).logsumexp(1)
    torch.testing.assert_close(out.double(), expected, rtol=1e-5, atol=0)


def test_a_row_without_keys_is_minus_infinity_and_has_no_gradient(parts):
    queries, keys = (p.detach().requires_grad_() for p in parts[:2])
    exclude = torch.stack([torch.full((8,), 2), torch.arange(8)])
    tiling = Tiling(3, torch.float64, exclude=exclude)
    out = RunningMaximum.apply(queries, keys, parts[2].detach(), None, tiling)
    assert out[2] == -torch.inf and out.isfinite().sum() == 5
    out[out.isfinite()].sum().backward()
    assert (queries.grad[2] == 0).all() and keys.grad.isfinite().all()

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gclkit.bounds.box import Box, leaky_relu
from gclkit.bounds.relaxation import relax


def make_box(*shape, generator):
    a, b = torch.randn(2, *shape, generator=generator, dtype=torch.float64)
    return Box(torch.minimum(a, b), torch.maximum(a, b))


@pytest.mark.parametrize("lower", ["parallel", "adaptive"])
@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), slope=st.floats(0.0, 1.0))
def test_the_activation_lies_between_its_lines(lower, seed, slope):
    generator = torch.Generator().manual_seed(seed)
    box, slope = make_box(32, generator=generator), torch.tensor(slope, dtype=torch.float64)
    low, high, above = relax(box, slope, lower=lower)
    share = torch.rand(50, 32, generator=generator, dtype=torch.float64)
    for y in (torch.lerp(box.lower, box.upper, share), box.lower, box.upper):
        value = leaky_relu(y, slope)
        assert (low * y <= value + 1e-12).all() and (value <= high * y + above + 1e-12).all()
    for end in box:  # The chord meets the activation at both ends.
        torch.testing.assert_close(high * end + above, leaky_relu(end, slope))


def test_slopes():
    box = Box(torch.tensor([1.0, -3.0, -1.0, -3.0]), torch.tensor([2.0, -1.0, 3.0, 1.0]))
    quarter = torch.tensor(0.25)
    parallel = relax(box, quarter)
    torch.testing.assert_close(parallel.lower_slope, torch.tensor([1.0, 0.25, 0.8125, 0.4375]))
    torch.testing.assert_close(parallel.upper_shift, torch.tensor([0.0, 0.0, 0.5625, 0.5625]))
    adaptive = relax(box, quarter, lower="adaptive")
    torch.testing.assert_close(adaptive.lower_slope, torch.tensor([1.0, 0.25, 1.0, 0.25]))


def test_a_point_box_has_a_finite_gradient_and_nan_stays():
    at = torch.zeros(3, requires_grad=True)
    lines = relax(Box(at, at), torch.tensor(0.1))
    (lines.lower_slope + lines.upper_shift).sum().backward()
    assert torch.isfinite(at.grad).all()
    for lower in ("parallel", "adaptive"):
        lines = relax(Box(torch.tensor([torch.nan]), torch.ones(1)), torch.tensor(0.1), lower=lower)
        assert lines.lower_slope.isnan().all() and lines.upper_slope.isnan().all()


def test_the_gradient_of_the_chord():
    generator = torch.Generator().manual_seed(3)
    box = make_box(40, generator=generator)
    ends = [end.requires_grad_() for end in box]
    slope = torch.rand(40, generator=generator, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda low, high, a: relax(Box(low, high), a)[1:], (*ends, slope)
    )


def test_known_signs_have_no_gradient_however_narrow_the_box():
    low = torch.tensor([0.0, 1e-40, -1e-40, 3.0], requires_grad=True)
    high = torch.tensor([0.0, 2e-40, 0.0, 3.0], requires_grad=True)
    lines = relax(Box(low, high), torch.tensor(0.1))
    (lines.upper_slope + 5 * lines.upper_shift).sum().backward()
    assert low.grad.tolist() == high.grad.tolist() == [0, 0, 0, 0]
    torch.testing.assert_close(lines.upper_slope, torch.tensor([0.1, 1.0, 0.1, 1.0]))

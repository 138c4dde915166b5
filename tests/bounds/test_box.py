import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gclkit.bounds.box import Box, activate, leaky_relu, multiply, point, shift


def make_box(*shape, generator):
    a, b = torch.randn(2, *shape, generator=generator, dtype=torch.float64)
    return Box(torch.minimum(a, b), torch.maximum(a, b))


def inside(box, share):
    return torch.lerp(box.lower, box.upper, share)


@settings(deadline=None, max_examples=25)
@given(n=st.integers(1, 6), d=st.integers(1, 5), seed=st.integers(0, 10**6))
def test_a_product_is_sound_and_each_end_attained(n, d, seed):
    generator = torch.Generator().manual_seed(seed)
    box = make_box(n, d, generator=generator)
    weight = torch.randn(d, 3, generator=generator, dtype=torch.float64)
    out = multiply(box, weight)
    for _ in range(10):
        share = torch.rand(n, d, generator=generator, dtype=torch.float64)
        value = inside(box, share) @ weight
        assert (value >= out.lower - 1e-12).all() and (value <= out.upper + 1e-12).all()
    for column in range(3):
        corner = torch.where(weight[:, column] >= 0, box.lower, box.upper)
        torch.testing.assert_close((corner @ weight)[:, column], out.lower[:, column])


def test_points_stay_points_and_negation_swaps():
    x, weight = torch.randn(4, 3), torch.randn(3, 2)
    out = activate(shift(multiply(point(x), weight), torch.ones(2)), torch.tensor(0.3))
    assert out.is_point and (-out).is_point
    torch.testing.assert_close(out.lower, leaky_relu(x @ weight + 1, torch.tensor(0.3)))
    sparse = multiply(point(x.to_sparse_csr()), weight)
    assert sparse.is_point
    torch.testing.assert_close(sparse.lower, x @ weight)
    torch.testing.assert_close(multiply(point(x.to_sparse_csr()), None).lower, x)
    box = -Box(torch.tensor([1.0]), torch.tensor([3.0]))
    assert box.lower == -3 and box.upper == -1


def test_one_slope_per_channel():
    y = torch.tensor([[-2.0, -2.0], [3.0, 0.0]])
    out = leaky_relu(y, torch.tensor([0.1, 0.5]))
    torch.testing.assert_close(out, torch.tensor([[-0.2, -1.0], [3.0, 0.0]]))


def test_rows_of_a_box():
    lower = torch.arange(6.0).reshape(3, 2)
    box, nodes = Box(lower, lower + 2.5), torch.tensor([2, 0])
    some = box.at(nodes)
    assert torch.equal(some.lower, lower[[2, 0]]) and torch.equal(some.upper, lower[[2, 0]] + 2.5)
    assert box.at(None) is box and point(lower).at(nodes).is_point
    assert torch.equal(box.at(nodes[:, None]).lower, lower[nodes[:, None]])

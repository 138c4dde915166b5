import pytest
import torch

from gclkit.bounds.backward import pull_back, relaxed, to_last_propagation
from gclkit.bounds.box import Box, leaky_relu
from gclkit.bounds.layers import Layer
from gclkit.bounds.propagation import gcn


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def make_box(*shape, seed=0):
    a, b = draw(2, *shape, seed=seed)
    return Box(torch.minimum(a, b), torch.maximum(a, b))


def points(box, count=50):
    share = torch.rand(count, *box.lower.shape, generator=torch.Generator().manual_seed(9))
    return torch.lerp(box.lower, box.upper, share.double())


@pytest.mark.parametrize("lower", ["parallel", "adaptive"])
def test_a_relaxed_layer_stays_below(lower):
    layer = Layer(gcn(), None, None, draw(6, seed=1), torch.tensor(0.2))
    box, coefficients = make_box(7, 6, seed=2), draw(7, 6, seed=3)
    slopes, constant = relaxed(layer, box, coefficients, lower=lower)
    for y in points(box):
        true = (coefficients * leaky_relu(y, layer.negative_slope)).sum(dim=1)
        line = (slopes * (y - layer.bias)).sum(dim=1) + constant
        assert (line <= true + 1e-12).all()
    known = Box(box.lower.abs() + 0.1, box.lower.abs() + 0.7)
    slopes, constant = relaxed(layer, known, coefficients, lower=lower)
    torch.testing.assert_close(slopes, coefficients)
    torch.testing.assert_close(constant, coefficients @ layer.bias)


def test_steps_at_the_node_alone_are_passed():
    """A sum, then a linear step: the functional speaks of the sum."""
    bottom = Layer(gcn(), draw(3, 5, seed=1), None, draw(5, seed=2), torch.tensor(0.3))
    head = Layer(None, draw(5, 4, seed=3), None, draw(4, seed=4), torch.tensor(0.6))
    before, directions = make_box(6, 5, seed=5), draw(6, 4, seed=6)
    values = [
        leaky_relu(y, bottom.negative_slope) @ head.weight + head.bias for y in points(before)
    ]
    stacked = torch.stack(values)
    boxes = [before, Box(stacked.amin(dim=0), stacked.amax(dim=0))]
    found = to_last_propagation([bottom, head], boxes, directions)
    assert found.layer == 0
    for y, value in zip(points(before), values, strict=True):
        true = (directions * leaky_relu(value, head.negative_slope)).sum(dim=1)
        line = (found.coefficients * (y - bottom.bias)).sum(dim=1) + found.constant
        assert (line <= true + 1e-12).all()


def test_gradient_to_box_and_coefficients():
    layer = Layer(gcn(), None, None, draw(4, seed=1), torch.tensor(0.2))
    inputs = [*make_box(3, 4), draw(3, 4, seed=2)]
    inputs = [value.requires_grad_() for value in inputs]
    assert torch.autograd.gradcheck(lambda a, b, c: relaxed(layer, Box(a, b), c), inputs)


def test_pulling_back_is_the_same_function_of_what_went_in():
    weight, coefficients = draw(3, 5), draw(6, 5, seed=2)
    torch.testing.assert_close(
        (pull_back(coefficients, weight) * draw(6, 3, seed=3)).sum(dim=1),
        (coefficients * (draw(6, 3, seed=3) @ weight)).sum(dim=1),
    )
    assert pull_back(coefficients, None) is coefficients

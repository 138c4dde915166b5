import pytest
import torch
from torch import nn

from gclkit.encoders.narrow_linear import NarrowProduct, check_rows, linear


def test_full_precision_is_the_linear_layer_exactly():
    layer, x = nn.Linear(5, 3), torch.randn(7, 5)
    assert torch.equal(linear(x, layer.weight, layer.bias), layer(x))


@pytest.mark.parametrize("bias", [True, False])
def test_narrow_products_are_those_of_rounded_factors(bias):
    layer, x = nn.Linear(40, 30, bias=bias), torch.randn(50, 40)
    rounded = x.bfloat16().double() @ layer.weight.bfloat16().double().t()
    expected = rounded.bfloat16().float() + (layer.bias if bias else 0.0)
    torch.testing.assert_close(linear(x, layer.weight, layer.bias, precision="bfloat16"), expected)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_gradients_are_near_those_in_fp64(dtype):
    x, weight = (torch.randn(n, 40, dtype=torch.float64, requires_grad=True) for n in (50, 30))
    target = torch.randn(50, 30, dtype=torch.float64)
    exact = torch.autograd.grad(((x @ weight.t()) * target).sum(), (x, weight))
    x = x.detach().to(dtype).requires_grad_()
    narrow = torch.autograd.grad((NarrowProduct.apply(x, weight) * target).sum(), (x, weight))
    assert [found.dtype for found in narrow] == [dtype, torch.float64]
    for found, wanted in zip(narrow, exact, strict=True):
        assert 0 < (found - wanted).norm() < 5e-3 * wanted.norm()


def test_saves_the_factors_at_half_their_size():
    x, weight = (torch.randn(n, 40, requires_grad=True) for n in (50, 30))
    saved = []

    def pack(tensor):
        saved.append(tensor.dtype)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        NarrowProduct.apply(x, weight)
    assert saved == [torch.bfloat16, torch.bfloat16]


def test_a_sparse_product_is_never_narrowed():
    layer, x = nn.Linear(5, 3), torch.randn(7, 5)
    found = linear(x.to_sparse_csr(), layer.weight, layer.bias, precision="bfloat16")
    torch.testing.assert_close(found, layer(x))


def test_a_constant_input_gets_no_gradient():
    weight = torch.randn(3, 5, requires_grad=True)
    x = torch.randn(7, 5)
    NarrowProduct.apply(x, weight).sum().backward()
    assert weight.grad is not None and x.grad is None


def test_sparse_rows_are_refused_unless_allowed():
    weight, x = torch.randn(3, 5), torch.randn(7, 5).to_sparse_csr()
    assert check_rows("linear", "x", x, weight, sparse=True) is x
    with pytest.raises(ValueError, match=r"^linear: 'x' must be .*strided"):
        check_rows("linear", "x", x, weight)

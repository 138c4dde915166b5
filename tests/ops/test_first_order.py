import pytest
import torch

from gclkit import ops
from gclkit.ops.first_order import first_order

MESSAGE = (
    "backward: 'create_graph' must be False: a loss over similarities has no second derivative "
    "(got True)"
)


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    @first_order
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 2 * x * grad


def test_the_first_derivative_is_untouched():
    x = torch.tensor([1.5, -2.0], requires_grad=True)
    Square.apply(x).sum().backward()
    assert x.grad.tolist() == [3.0, -4.0]


OPERATIONS = {
    "square": lambda z: Square.apply(z),
    "similarity_logsumexp": lambda z: ops.similarity_logsumexp(z, z + 1, 2.0),
    "similarity_logsumexp of large logits": lambda z: ops.similarity_logsumexp(z, z + 1, 90.0),
    "similarity_logsumexp by Triton": lambda z: ops.similarity_logsumexp(
        z, z + 1, backend="triton"
    ),
    "self_logsumexp": lambda z: ops.self_logsumexp(z, 2.0),
    "self_logsumexp by Triton": lambda z: ops.self_logsumexp(z, backend="triton"),
    "mutual_logsumexp": lambda z: ops.mutual_logsumexp(z, z + 1, 2.0)[0],
    "similarity_softplus": lambda z: ops.similarity_softplus(z, z + 1, 2.0),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_second_derivative_is_refused_not_zero(operation):
    if "Triton" in operation:
        pytest.importorskip("triton")
    z = torch.linspace(-1, 2, 12).view(4, 3).requires_grad_()
    out = OPERATIONS[operation](z).sum()
    with pytest.raises(ValueError) as error:
        torch.autograd.grad(out, z, create_graph=True)
    assert str(error.value) == MESSAGE


def test_the_definition_has_a_second_derivative():
    z = torch.linspace(-1, 2, 12, dtype=torch.float64).view(4, 3).requires_grad_()
    assert torch.autograd.gradgradcheck(
        lambda z: ops.similarity_logsumexp(z, z + 1, 2.0, backend="reference"), (z,)
    )

import pytest
import torch

from gclkit.losses.views import unit_rows, zero_loss


@pytest.mark.parametrize("size", [1e-40, 1e-25, 1.0, 1e30])
def test_rows_get_length_one_whatever_their_size(size):
    z = (torch.tensor([[3.0, -4.0], [0.0, 5.0]]) * size).requires_grad_()
    unit = unit_rows("op", "z", z)
    torch.testing.assert_close(unit, torch.tensor([[0.6, -0.8], [0.0, 1.0]]), rtol=1e-4, atol=0)


def test_gradcheck():
    z = torch.tensor([[3.0, -4.0, 1.0], [0.1, 5.0, 0.0]], dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: unit_rows("op", "z", z), (z,))


def test_refuses_a_zero_row():
    with pytest.raises(ValueError) as error:
        unit_rows("op", "z", torch.tensor([[1.0], [0.0]]))
    assert str(error.value) == (
        "op: 'z' must be free of zero rows, which have no direction; behind a last ReLU use a "
        "Projector, or final_activation=False (got 'row 1 is zero')"
    )


def test_a_loss_of_nothing_is_zero_without_a_sign():
    z = torch.tensor([[-3.0, 1.0]]).requires_grad_()
    loss = zero_loss(z)
    assert str(loss.item()) == "0.0" and torch.autograd.grad(loss, z)[0].tolist() == [[0.0, 0.0]]

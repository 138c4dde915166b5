import math

import pytest
import torch
from torch import nn

from gclkit import losses
from gclkit.losses.temperature import check_temperature, inverse_temperature


def test_the_inverse_of_a_tensor_is_a_tensor_in_the_dtype_of_sums():
    assert inverse_temperature("op", 0.25) == 4.0
    learned = torch.tensor(0.3, dtype=torch.bfloat16, requires_grad=True)
    scale = inverse_temperature("op", learned)
    assert scale.dtype == torch.float32 and scale == 1 / learned.float()
    (grad,) = torch.autograd.grad(scale, learned)
    assert math.isclose(grad, -1 / learned.item() ** 2, rel_tol=1e-2)


def test_a_parameter_stays_a_parameter():
    learned = nn.Parameter(torch.tensor(0.3))
    assert check_temperature("op", learned) is learned


@pytest.mark.parametrize(
    ("value", "rule", "got"),
    [
        (-0.5, "a positive number", "-0.5"),
        (float("nan"), "a positive number", "nan"),
        ("cold", "a positive number", "'cold'"),
        (1e-39, "a positive number with a finite inverse", "1e-39"),
        (torch.tensor(-0.5), "a positive number", "-0.5"),
        (torch.tensor([0.5, 0.25]), "a positive number", "[0.5, 0.25]"),
        (torch.tensor(True), "a positive number", "True"),
    ],
)
def test_refusals(value, rule, got):
    for refuse in (check_temperature, inverse_temperature):
        with pytest.raises(ValueError) as error:
            refuse("op", value)
        assert str(error.value) == f"op: 'temperature' must be {rule} (got {got})"


@pytest.mark.parametrize("make", [losses.InfoNCE, losses.ClipInfoNCE, losses.HardnessInfoNCE])
def test_a_module_learns_its_temperature(views, make):
    loss = make(nn.Parameter(torch.tensor(0.5)))
    assert "temperature=0.5" in repr(loss) and list(loss.state_dict()) == ["temperature"]
    z1, z2 = (z.detach() for z in views(9))
    optimizer = torch.optim.SGD(loss.parameters(), lr=0.01)
    before = loss(z1, z2)
    before.backward()
    optimizer.step()
    assert loss(z1, z2) < before and f"temperature={loss.temperature.item()}" in repr(loss)

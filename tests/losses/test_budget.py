import pytest
import torch

from gclkit.losses.budget import plan_calls
from gclkit.ops.memory import needed_bytes

Z = torch.ones(40, 3)


def test_each_call_gets_its_share_of_the_budget():
    options = {"precision": "bfloat16", "memory_budget": 6e6, "block_rows": 8}
    planned = plan_calls("f", Z, 40, 40, nodes=20, calls=4, **options)
    assert planned == options | {"memory_budget": 1.5e6}
    assert plan_calls("f", Z, 40, 40, nodes=20, calls=4, block_rows=8) == {"block_rows": 8}


def test_refuses_a_budget_in_the_name_of_the_loss():
    size = {"block": 40, "operand": torch.float32, "backend": "reference"}
    needed = 2 * needed_bytes(40, 40, 3, **size)
    options = {"nodes": 20, "calls": 2, "backend": "reference", "advice": " or anchors=5"}
    plan_calls("f", Z, 40, 40, memory_budget=needed, **options)
    with pytest.raises(ValueError) as error:
        plan_calls("f", Z, 40, 40, memory_budget=needed - 2, **options)
    assert str(error.value) == (
        f"f: needs about {needed / 1e3:.1f} kB for n=20; use backend='blockwise' or anchors=5"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "int8"}, "'precision' must be one of ['bfloat16', 'float32'] (got 'int8')"),
        ({"memory_budget": 0.0}, "'memory_budget' must be a positive number (got 0.0)"),
        ({"block_rows": 0}, "'block_rows' must be an integer of at least 1 (got 0)"),
    ],
)
def test_refuses_options_out_of_range(options, message):
    with pytest.raises(ValueError) as error:
        plan_calls("f", Z, 40, 40, nodes=20, **options)
    assert str(error.value) == f"f: {message}"

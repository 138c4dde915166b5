import torch

from gclkit.losses import infonce
from gclkit.ops import release_memory, spare_memory
from gclkit.ops.spare_memory import hand_on_memory, take_memory

CPU = torch.device("cpu")


def address(memory):
    return memory.untyped_storage().data_ptr()


def test_memory_handed_on_serves_a_call_that_needs_as_much_or_less():
    release_memory()
    first = take_memory(1000, torch.float32, CPU)
    hand_on_memory(first)
    second = take_memory(1500, torch.bfloat16, CPU)
    assert address(second) == address(first)
    assert second.shape == (1500,) and second.dtype == torch.bfloat16


def test_memory_in_use_is_not_given_twice():
    release_memory()
    first = take_memory(1000, torch.float32, CPU)
    hand_on_memory(first)
    second, third = (take_memory(1000, torch.float32, CPU) for _ in range(2))
    assert address(second) != address(third)


def test_memory_that_is_too_small_is_let_go():
    release_memory()
    hand_on_memory(take_memory(10, torch.float32, CPU))
    assert take_memory(1000, torch.float32, CPU).shape == (1000,)


def test_released_memory_is_gone():
    first = take_memory(1000, torch.float32, CPU)
    first.fill_(7.0)
    hand_on_memory(first)
    release_memory()
    assert address(take_memory(1000, torch.float32, CPU)) != address(first)


def test_only_a_loss_with_a_budget_leaves_memory():
    release_memory()
    z1, z2 = (torch.randn(90, 4, requires_grad=True) for _ in range(2))
    infonce(z1, z2).backward()
    assert not spare_memory._spare
    infonce(z1, z2, memory_budget=1e8).backward()
    assert spare_memory._spare[0].numel() >= 4 * 180 * 90
    release_memory()
    assert not spare_memory._spare


def test_calls_in_turn_do_not_disturb_each_other():
    release_memory()
    z1, z2 = (torch.randn(90, 4, dtype=torch.float64, requires_grad=True) for _ in range(2))
    expected = torch.autograd.grad(infonce(z1, z2), z1)[0]
    options = {"memory_budget": 1e8, "block_rows": 32}
    infonce(z1, z2, **options).backward()
    first, second = infonce(z1, z2, **options), infonce(2 * z1, z2, **options)
    second.backward()
    torch.testing.assert_close(torch.autograd.grad(first, z1)[0], expected)

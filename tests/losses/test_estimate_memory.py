import pytest
import torch

from gclkit.losses import estimate_memory, infonce
from gclkit.ops import release_memory
from gclkit.testing.measure import PeakBytes


@pytest.mark.parametrize(
    ("temperature", "options"),
    [
        (0.5, {"block_rows": 256}),
        (0.5, {"block_rows": 256, "precision": "bfloat16"}),
        (0.5, {"block_rows": 256, "anchors": 64}),
        (0.5, {"block_rows": 256, "memory_budget": 2e7}),
        (0.5, {"memory_budget": 2.4e6}),
        (0.5, {"backend": "reference"}),
        (0.015, {"block_rows": 128}),
    ],
)
def test_is_an_upper_estimate_that_is_not_far_off(monkeypatch, temperature, options):
    # One worker, which is what runs while bytes are counted.
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    n, d = 1500, 32 if temperature == 0.5 else 128
    z1, z2 = (torch.randn(n, d, requires_grad=True) for _ in range(2))
    release_memory()  # What a larger call before has left would be taken whole.
    with PeakBytes() as measured:
        infonce(z1, z2, temperature=temperature, **options).backward()
    extra = measured.peak - 2 * n * d * 4  # The gradients of the inputs are not extra.
    estimate = estimate_memory(n, d, **options)
    assert extra <= estimate <= 2 * extra


def test_is_above_a_budget_that_the_loss_refuses():
    z = torch.randn(1000, 32)
    least = estimate_memory(1000, 32, memory_budget=1e6)
    assert least > 1e6
    with pytest.raises(ValueError, match=r"^infonce: needs about "):
        infonce(z, z, memory_budget=least - 1)
    assert infonce(z, z, memory_budget=least).isfinite()
    assert estimate_memory(1000, 32, memory_budget=least) == least


def test_the_promise_for_fifty_thousand_nodes():
    assert estimate_memory(50_000, 128) <= 0.5e9
    assert estimate_memory(50_000, 128, backend="reference") > 30e9


@pytest.mark.parametrize(
    "change, message",
    [
        ({"num_nodes": 0}, "'num_nodes' must be an integer of at least 1 (got 0)"),
        ({"channels": 0}, "'channels' must be an integer of at least 1 (got 0)"),
        (
            {"backend": "auto"},
            "'backend' must be one of ['blockwise', 'reference', 'triton'] (got 'auto')",
        ),
        ({"precision": "fp8"}, "'precision' must be one of ['bfloat16', 'float32'] (got 'fp8')"),
    ],
)
def test_refuses_bad_input(change, message):
    with pytest.raises(ValueError) as error:
        estimate_memory(**({"num_nodes": 5, "channels": 4} | change))
    assert str(error.value) == f"estimate_memory: {message}"

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gclkit.ops import self_logsumexp, similarity_logsumexp
from gclkit.testing.asserts import assert_as_accurate_as

triton = pytest.importorskip("triton")

from gclkit.ops.fused import _launch  # noqa: E402
from gclkit.ops.fused._launch import Launch, as_operand, plan_launch, share_keys  # noqa: E402

KILOBYTES = 1024
HOPPER, AMPERE, CONSUMER = 227 * KILOBYTES, 163 * KILOBYTES, 99 * KILOBYTES


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """The tiles of a GPU, which the interpreter does not take."""
    monkeypatch.setattr(_launch, "INTERPRETED", False)


@pytest.mark.parametrize(
    ("width", "dtype", "shared", "tile"),
    [
        (256, torch.bfloat16, HOPPER, (128, 64, 256, 8, 2)),
        (250, torch.bfloat16, AMPERE, (128, 64, 256, 8, 2)),
        (256, torch.bfloat16, CONSUMER, (64, 32, 256, 8, 2)),
        (512, torch.bfloat16, HOPPER, (64, 32, 512, 8, 2)),
        (3, torch.bfloat16, CONSUMER, (128, 64, 16, 8, 2)),
        (256, torch.float32, HOPPER, (64, 32, 256, 8, 1)),
        (512, torch.float32, 64 * KILOBYTES, (16, 16, 512, 4, 1)),
    ],
)
def test_tiles_fit_the_device(as_on_a_gpu, width, dtype, shared, tile):
    launch = plan_launch(width, dtype, shared)
    assert (launch.ROWS, launch.COLS, launch.DIM, launch.num_warps, launch.num_stages) == tile
    held = (launch.ROWS + launch.num_stages * launch.COLS) * launch.DIM * dtype.itemsize
    assert held <= shared


@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 511), (200, 20000), (1024, 338_687), (9, 5000)])
def test_the_keys_are_shared_out_without_a_rest(as_on_a_gpu, n, m):
    launch = plan_launch(256, torch.bfloat16, HOPPER)
    parts, span = share_keys(n, m, launch)
    assert span % launch.COLS == 0
    assert (parts - 1) * span < m <= parts * span
    assert parts == 1 or span >= _launch.FUSED_KEYS


def test_few_rows_keep_a_gpu_busy_and_many_rows_have_one_sum_each(as_on_a_gpu):
    launch = plan_launch(256, torch.bfloat16, HOPPER)
    assert share_keys(1024, 40_000, launch)[0] * 8 > 400
    assert share_keys(100_000, 100_000, launch)[0] == 1


def test_a_width_is_filled_up_with_zeros():
    rows = torch.arange(1.0, 15.0).view(2, 7)
    assert torch.equal(as_operand(rows, torch.float32)[:, :7], rows)
    assert as_operand(rows, torch.float32)[:, 7:].eq(0).all()
    assert as_operand(rows, torch.float32).shape == (2, 16)
    assert as_operand(torch.ones(2, 32), torch.float32).shape == (2, 32)


def gradients(function, *tensors, dtype, **options):
    tensors = [tensor.to(dtype).requires_grad_() for tensor in tensors]
    out = function(*tensors, **options)
    (out * torch.linspace(0.5, 2.0, len(out), dtype=dtype)).sum().backward()
    return [out.detach(), *(tensor.grad for tensor in tensors)]


@pytest.mark.parametrize("function", [self_logsumexp, similarity_logsumexp])
def test_shared_keys_change_no_sum(monkeypatch, function):
    monkeypatch.setattr(_launch, "FUSED_KEYS", 16)
    parts, _ = share_keys(70, 70, plan_launch(12, torch.float32, CONSUMER))
    assert parts == 3
    generator = torch.Generator().manual_seed(4)
    z, bias = torch.randn(70, 12, generator=generator), torch.randn(70, generator=generator)
    # Row 7 has no other key in the first part of the keys, and is none to those rows.
    first = torch.stack([torch.full((33,), 7), torch.arange(40)[torch.arange(40) != 7][:33]])
    pairs = torch.cat([first, first.flip(0)], dim=1)
    matrices = [z] if function is self_logsumexp else [z, z.flip(0) + 0.3]
    inputs = [*matrices, torch.tensor(0.7), bias]
    truth = gradients(function, *inputs, dtype=torch.float64, exclude=pairs, backend="reference")
    plain = gradients(function, *inputs, dtype=torch.float32, exclude=pairs, backend="reference")
    mine = gradients(function, *inputs, dtype=torch.float32, exclude=pairs, backend="triton")
    for candidate, rival, exact in zip(mine, plain, truth, strict=True):
        assert_as_accurate_as(candidate, rival, exact)


def case(arch, dtype, shared, *, width=256, tf32=False, bias=False, excludes=0):
    return dict(locals())


CASES = [
    case(90, "bfloat16", HOPPER),
    case(90, "bfloat16", HOPPER, width=512),
    case(80, "bfloat16", AMPERE),
    case(89, "bfloat16", CONSUMER),
    case(90, "float32", HOPPER, tf32=True),
    case(90, "float32", HOPPER),
    case(90, "bfloat16", HOPPER, bias=True, excludes=1),
    case(90, "bfloat16", HOPPER, width=40, bias=True, excludes=2),
]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    version = tuple(int(part) for part in triton.__version__.split(".")[:2])
    if version < (3, 4):
        pytest.skip("needs the compiler's interface of Triton 3.4")
    script = Path(__file__).with_name("compile_kernels.py")
    cache = str(tmp_path_factory.mktemp("triton"))
    run = subprocess.run(
        [sys.executable, "-W", "error", script, json.dumps(CASES)],
        env=os.environ | {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": cache},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode == 0, run.stderr
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    return list(zip(CASES, lines[::2], lines[1::2], strict=True))


@pytest.mark.parametrize("number", range(len(CASES)))
def test_kernels_compile_into_registers_and_on_chip_memory(compiled, number):
    asked, *kernels = compiled[number]
    for kernel in kernels:
        assert kernel["shared"] <= asked["shared"]
        # Bytes that each thread keeps in slow memory.
        assert kernel["stack"] <= 128
        if asked["dtype"] == "bfloat16" or asked["tf32"]:
            assert kernel["products"] > 0
        if asked["dtype"] == "bfloat16" and asked["excludes"] < 2:
            assert kernel["prefetches"] > 8
            assert asked["bias"] or kernel["stack"] == 0


def test_a_launch_names_the_arguments_of_the_kernels():
    from gclkit.ops.fused import _kernels

    options = {"num_warps", "num_stages", "enable_fp_fusion"}
    for kernel in (_kernels.logsumexp_kernel, _kernels.weighted_sum_kernel):
        assert set(Launch._fields) - options <= set(kernel.arg_names)

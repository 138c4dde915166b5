import pytest
import torch

from gclkit.ops import choose_backend
from gclkit.ops.backend import uses_tf32


def test_auto_is_blockwise_without_a_gpu_and_never_the_definition():
    assert choose_backend("op", "auto", torch.ones(2, 2)) == "blockwise"


@pytest.mark.parametrize("name", ["reference", "blockwise", "triton"])
def test_a_backend_asked_for_is_never_replaced(name):
    assert choose_backend("op", name, torch.ones(2, 2)) == name


def refusal(like):
    with pytest.raises(ValueError) as error:
        choose_backend("op", "triton", like)
    return str(error.value)


def test_says_why_triton_cannot_run(monkeypatch):
    rule = "op: 'backend' must be one that can run: 'triton' "
    wide = torch.ones(2, 513)
    assert refusal(wide) == rule + "takes at most 512 columns (got 'triton')"
    assert refusal(torch.ones(2, 2).double()) == (
        rule + "takes tensors of 32 bits or less (got 'triton')"
    )
    monkeypatch.delenv("TRITON_INTERPRET")
    assert refusal(torch.ones(2, 2)) == rule + "needs a CUDA device (got 'triton')"
    monkeypatch.setattr("gclkit.ops.backend.find_spec", lambda name: None)
    assert refusal(torch.ones(2, 2)) == rule + "needs the package triton (got 'triton')"


class Matmul:
    def __init__(self, **settings):
        self.__dict__.update(settings)

    def __getattr__(self, name):
        # PyTorch forbids to read the older setting once the newer was set.
        raise RuntimeError(name) if name == "allow_tf32" else AttributeError(name)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"allow_tf32": True}, True),
        ({"allow_tf32": False}, False),
        ({"fp32_precision": "tf32"}, True),
        ({"fp32_precision": "ieee"}, False),
        ({"fp32_precision": "none"}, False),
    ],
)
def test_the_tf32_setting_of_every_version_is_read(monkeypatch, settings, expected):
    monkeypatch.setattr(torch.backends.cuda, "matmul", Matmul(**settings))
    assert uses_tf32() == expected


class OnCuda:
    """What the rule asks of a matrix on a GPU."""

    is_cuda, dtype = True, torch.float32

    def size(self, dim):
        return 256


@pytest.mark.parametrize(
    ("precision", "tf32", "expected"),
    [
        ("bfloat16", False, "triton"),
        ("float32", True, "triton"),
        ("float32", False, "blockwise"),
    ],
)
def test_auto_takes_the_kernels_where_products_have_units(monkeypatch, precision, tf32, expected):
    pytest.importorskip("triton")
    monkeypatch.setattr(torch.backends.cuda, "matmul", Matmul(allow_tf32=tf32))
    assert choose_backend("op", "auto", OnCuda(), precision) == expected
    assert choose_backend("op", "triton", OnCuda(), precision) == "triton"


def test_refuses_an_unknown_precision():
    with pytest.raises(ValueError) as error:
        choose_backend("op", "auto", torch.ones(2, 2), "float8")
    rule = "op: 'precision' must be one of ['bfloat16', 'float32'] (got 'float8')"
    assert str(error.value) == rule

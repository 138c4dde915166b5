import pytest
import torch

from gclkit.ops import choose_backend


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
        ({"allow_tf32": True}, "tf32"),
        ({"allow_tf32": False}, "ieee"),
        ({"fp32_precision": "tf32"}, "tf32"),
        ({"fp32_precision": "ieee"}, "ieee"),
        ({"fp32_precision": "none"}, "ieee"),
    ],
)
def test_kernels_read_the_tf32_setting_of_every_version(monkeypatch, settings, expected):
    pytest.importorskip("triton")
    from gclkit.ops.fused._kernels import _sizes

    monkeypatch.setattr(torch.backends.cuda, "matmul", Matmul(**settings))
    assert _sizes(torch.ones(3, 4))["PRECISION"] == expected

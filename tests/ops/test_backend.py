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

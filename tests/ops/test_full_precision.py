import pytest
import torch

from gclkit import ops
from gclkit.ops.full_precision import full_precision


@full_precision
def product(a, b):
    return a @ b


def test_leaves_a_function_out_of_autocast():
    a, b = torch.full((3, 2), 1 + 2**-12), torch.full((2, 3), 1.5)
    with torch.autocast("cpu", torch.bfloat16):
        assert (a @ b).dtype == torch.bfloat16
        assert torch.equal(product(a, b=b), torch.full((3, 3), 3 * (1 + 2**-12)))
        assert torch.is_autocast_enabled("cpu")


def test_keeps_name_and_document():
    assert product.__name__ == "product" and product.__wrapped__ is not None


OPERATIONS = {
    "similarity_logsumexp": lambda z: ops.similarity_logsumexp(z, z + 1, 2.0, z[:, 0]),
    "similarity_logsumexp of large logits": lambda z: ops.similarity_logsumexp(z, z + 1, 90.0),
    "self_logsumexp": lambda z: ops.self_logsumexp(z, 2.0, z[:, 0]),
    "mutual_logsumexp": lambda z: torch.cat(ops.mutual_logsumexp(z, z + 1, 2.0)),
    "similarity_softplus": lambda z: ops.similarity_softplus(z, z + 1, 2.0),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("threads", [1, 2])
def test_every_operation_gives_the_same_bits_within_autocast(operation, threads, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr("gclkit.ops.memory.CPU_BLOCK", 8)  # Enough tiles for several workers.
    z = torch.nn.functional.normalize(
        torch.randn(40, 5, generator=torch.Generator().manual_seed(0))
    ).requires_grad_()
    results = []
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            out = OPERATIONS[operation](z)
            results.append((out, *torch.autograd.grad(out.square().sum(), z)))
    assert all(torch.equal(*pair) for pair in zip(*results, strict=True))


# PyTorch's own, which it hides from where warnings are shown, not from where they are errors.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_a_compiler_leaves_it_as_it_is():
    ran = []

    @full_precision
    def product(a, b):
        ran.append(torch.compiler.is_compiling())
        return a @ b

    def step(a, b):
        return product(a * 2, b).sum() + product(b, a).square().sum()

    compiled = torch.compile(step, backend="eager")
    for n in (3, 4, 5, 6, 7):
        a, b = torch.randn(n, 2, requires_grad=True), torch.randn(2, n)
        out, expected = compiled(a, b), step(a, b)
        assert torch.equal(out, expected)
        assert torch.equal(torch.autograd.grad(out, a)[0], torch.autograd.grad(expected, a)[0])
    assert ran == [False] * 20

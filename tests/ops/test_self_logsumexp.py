import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gclkit.ops import self_logsumexp, similarity_logsumexp
from gclkit.testing.asserts import assert_as_accurate_as
from gclkit.testing.measure import LargestTensor


def problem(n, d, seed, scale=0.9, bias=True):
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(n, d, generator=generator, dtype=torch.float64)
    tensors = {
        "z": z / z.norm(dim=1, keepdim=True),
        "scale": torch.tensor(scale, dtype=torch.float64),
    }
    if bias:
        tensors["key_bias"] = torch.randn(n, generator=generator, dtype=torch.float64)
    return tensors


def evaluate(tensors, dtype, **options):
    tensors = {name: t.detach().to(dtype).requires_grad_() for name, t in tensors.items()}
    out = self_logsumexp(**tensors, **options)
    (out * torch.linspace(0.5, 2.0, len(out), dtype=dtype)).sum().backward()
    return [out.detach(), *(tensor.grad for tensor in tensors.values())]


def mirrored(n):
    pairs = torch.stack([torch.arange(n), (torch.arange(n) * 3 + 1) % n])
    return torch.cat([pairs, pairs.flip(0)], dim=1)


def test_matches_loops():
    z = problem(6, 4, 0)["z"]
    bias = torch.linspace(-1, 2, 6, dtype=torch.float64)
    out = self_logsumexp(z, 3.0, bias)
    for i in range(6):
        terms = [float((3.0 * z[i] @ z[j] + bias[j]).exp()) for j in range(6) if j != i]
        assert out[i].item() == pytest.approx(torch.tensor(terms).double().sum().log().item())


@pytest.mark.parametrize("exclude", [None, mirrored(70)], ids=["self", "pairs"])
@pytest.mark.parametrize("scale", [1.1, 20.0, 300.0])
@pytest.mark.parametrize("bias", [False, True])
def test_value_and_every_gradient_are_as_accurate_as_the_definition(backend, exclude, scale, bias):
    tensors = problem(70, 12, seed=3, scale=scale, bias=bias)
    options = {"exclude": exclude}
    truth = evaluate(tensors, torch.float64, backend="reference", **options)
    rival = evaluate(tensors, torch.float32, backend="reference", **options)
    mine = evaluate(tensors, torch.float32, backend=backend, block_rows=16, **options)
    for candidate, plain, exact in zip(mine, rival, truth, strict=True):
        assert_as_accurate_as(candidate, plain, exact)


@settings(deadline=None, max_examples=25)
@given(
    n=st.integers(3, 70),
    block=st.integers(1, 80),
    scale=st.sampled_from([2.0, 20.0, 100.0]),
    exclude=st.booleans(),
    seed=st.integers(0, 99),
)
def test_equals_the_general_operation_on_the_rows_with_themselves(n, block, scale, exclude, seed):
    tensors = problem(n, 5, seed, scale)
    z, scale, bias = tensors.values()
    itself = torch.arange(n).expand(2, n)
    pairs = torch.tensor([[0, 1], [1, 0]]) if exclude else None
    everything = itself if pairs is None else torch.cat([itself, pairs], dim=1)
    general = similarity_logsumexp(z, z, scale, bias, everything, backend="reference")
    mine = self_logsumexp(z, scale, bias, pairs, block_rows=block)
    torch.testing.assert_close(mine, general, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("scale", [0.9, 90.0])
@pytest.mark.parametrize("budget", [None, 1e6])
def test_gradcheck(scale, budget):
    inputs = [tensor.requires_grad_() for tensor in problem(7, 3, 0, scale).values()]

    def op(z, scale, key_bias):
        exclude = torch.tensor([[0, 4, 2, 6], [4, 0, 6, 2]])
        return self_logsumexp(z, scale, key_bias, exclude, block_rows=3, memory_budget=budget)

    assert torch.autograd.gradcheck(op, inputs)


def test_bfloat16_products_keep_fp32_sums(backend):
    tensors = problem(300, 64, seed=7, scale=2.0)
    truth = evaluate(tensors, torch.float64, backend="reference")
    mine = evaluate(tensors, torch.float32, backend=backend, precision="bfloat16")
    for candidate, exact in zip(mine, truth, strict=True):
        assert (candidate.double() - exact).norm() <= 2**-7 * exact.norm()


def test_makes_half_of_the_blocks_and_never_the_matrix():
    z = problem(512, 8, 0)["z"].float().requires_grad_()
    with LargestTensor() as largest:
        self_logsumexp(z, 2.0, block_rows=64).sum().backward()
    assert largest.numel == 64 * 64


@pytest.mark.parametrize(
    "change, message",
    [
        ({"z": torch.ones(1, 4)}, "'z' must be two rows or more (got (1, 4))"),
        (
            {"z": torch.full((3, 4), 1e20)},
            "'z' must be small enough for sums of products below 3.4e+38 "
            "(got 'entries up to 1.0e+20')",
        ),
        ({"z": torch.ones(4, 3).long()}, "'z' must be of a floating point dtype (got torch.int64)"),
        (
            {"exclude": torch.tensor([[0], [1]])},
            "'exclude' must be a symmetric set of pairs (got '1 pairs')",
        ),
        (
            {"exclude": torch.tensor([[0, 1, 0, 2], [1, 0, 2, 0]])},
            "'exclude' must be a set that leaves every row a key (got 'all keys of row 0')",
        ),
    ],
)
def test_refuses_bad_input(change, message):
    with pytest.raises(ValueError) as error:
        self_logsumexp(**({"z": torch.ones(3, 4)} | change))
    assert str(error.value) == f"self_logsumexp: {message}"

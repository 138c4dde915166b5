import math

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from gclkit.ops import self_logsumexp, similarity_logsumexp
from gclkit.testing.asserts import assert_as_accurate_as
from gclkit.testing.measure import LargestTensor


def make_rows(n, d, seed, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=generator, dtype=torch.float64).to(dtype)


def evaluate(tensors, dtype, **options):
    """The value and the gradient to every tensor, for a weighted sum of the rows."""
    tensors = {name: t.detach().to(dtype).requires_grad_() for name, t in tensors.items()}
    out = similarity_logsumexp(**tensors, **options)
    (out * torch.linspace(0.5, 2.0, len(out), dtype=dtype)).sum().backward()
    return [out.detach(), *(tensor.grad for tensor in tensors.values())]


def problem(n, m, d, seed, scale=0.9, bias=True):
    tensors = {
        "queries": make_rows(n, d, seed, torch.float64) / d**0.5,
        "keys": make_rows(m, d, seed + 1, torch.float64) / d**0.5,
        "scale": torch.tensor(scale, dtype=torch.float64),
    }
    if bias:
        tensors["key_bias"] = make_rows(m, 1, seed + 2, torch.float64)[:, 0]
    return tensors


EXCLUDE = {
    "nothing": lambda n, m: None,
    "one key per row": lambda n, m: torch.arange(n) % m,
    "pairs": lambda n, m: torch.stack([torch.arange(2 * n) % n, (torch.arange(2 * n) * 7) % m]),
}


@pytest.mark.parametrize("exclude", EXCLUDE)
@pytest.mark.parametrize("scale", [0.9, 20.0, 300.0])
@pytest.mark.parametrize("bias", [False, True])
def test_value_and_every_gradient_are_as_accurate_as_the_definition(backend, exclude, scale, bias):
    tensors = problem(37, 53, 20, seed=3, scale=scale, bias=bias)
    options = {"exclude": EXCLUDE[exclude](37, 53)}
    truth = evaluate(tensors, torch.float64, backend="reference", **options)
    rival = evaluate(tensors, torch.float32, backend="reference", **options)
    mine = evaluate(tensors, torch.float32, backend=backend, block_rows=16, **options)
    for candidate, plain, exact in zip(mine, rival, truth, strict=True):
        assert_as_accurate_as(candidate, plain, exact)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    n=st.integers(1, 70),
    m=st.integers(2, 70),
    d=st.integers(1, 40),
    block=st.integers(1, 80),
    scale=st.sampled_from([1.0, 2.0, 20.0, 100.0]),
    bias=st.booleans(),
    seed=st.integers(0, 99),
)
def test_any_shape_and_block_matches_the_definition(n, m, d, block, scale, bias, seed):
    tensors = problem(n, m, d, seed, scale, bias)
    exact = evaluate(tensors, torch.float64, backend="reference")
    mine = evaluate(tensors, torch.float64, block_rows=block)
    for candidate, truth in zip(mine, exact, strict=True):
        torch.testing.assert_close(candidate, truth, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("scale", [0.9, 90.0])  # Sums of exponentials; running maximum.
def test_gradcheck(scale):
    tensors = problem(7, 5, 3, seed=0, scale=scale)
    inputs = [tensor.requires_grad_() for tensor in tensors.values()]

    def op(queries, keys, scale, key_bias):
        exclude = torch.tensor([[0, 0, 3, 6], [1, 4, 2, 0]])
        return similarity_logsumexp(queries, keys, scale, key_bias, exclude, block_rows=3)

    assert torch.autograd.gradcheck(op, inputs)


@given(seed=st.integers(0, 99), scale=st.floats(0.1, 20.0))
@settings(deadline=None, max_examples=25)
def test_lies_between_the_maximum_and_the_maximum_plus_log_m(seed, scale):
    q, k = make_rows(9, 4, seed, torch.float64), make_rows(13, 4, seed + 1, torch.float64)
    lse, top = similarity_logsumexp(q, k, scale=scale), (scale * q @ k.T).amax(dim=1)
    assert (lse >= top - 1e-12).all() and (lse <= top + math.log(13) + 1e-12).all()


def test_a_sparse_matrix_excludes_what_its_pairs_exclude():
    q, k = make_rows(6, 4, 0), make_rows(8, 4, 1)
    pairs = torch.tensor([[0, 2, 2, 5], [7, 1, 3, 0]])
    expected = similarity_logsumexp(q, k, 2.0, exclude=pairs)
    matrix = torch.sparse_coo_tensor(pairs, torch.zeros(4), (6, 8), check_invariants=False)
    for sparse in (matrix, matrix.coalesce().to_sparse_csr()):
        torch.testing.assert_close(similarity_logsumexp(q, k, 2.0, exclude=sparse), expected)
    assert not torch.allclose(similarity_logsumexp(q, k, 2.0), expected)


@pytest.mark.parametrize("scale", [2.0, 200.0])
def test_weights_multiply_the_terms_and_take_no_gradient(scale):
    tensors = problem(20, 30, 6, seed=5, scale=scale, bias=False)
    options = {"weight": lambda s: 0.1 + (s + 1).square(), "exclude": torch.arange(20)}
    truth = evaluate(tensors, torch.float64, backend="reference", **options)
    mine = evaluate(tensors, torch.float64, block_rows=7, **options)
    for candidate, exact in zip(mine, truth, strict=True):
        torch.testing.assert_close(candidate, exact, rtol=1e-10, atol=1e-12)
    similarity = tensors["queries"] @ tensors["keys"].T
    terms = options["weight"](similarity) * (scale * similarity).exp()
    terms[torch.arange(20), torch.arange(20)] = 0
    if scale == 2.0:
        torch.testing.assert_close(mine[0], terms.sum(dim=1).log())


@pytest.mark.parametrize("scale", [1.5, 150.0])
@pytest.mark.parametrize("options", [{"backend": "reference"}, {}, {"precision": "bfloat16"}])
@pytest.mark.parametrize("weight", [lambda s: s, lambda s: s.square_(), lambda s: s[:, :]])
def test_a_weight_may_return_or_change_its_argument(scale, options, weight):
    queries, keys = torch.rand(2, 6, 4, generator=torch.Generator().manual_seed(0))
    keys.requires_grad_()
    out = similarity_logsumexp(queries, keys, scale, weight=weight, block_rows=4, **options)
    out.sum().backward()
    similarity = queries @ keys.detach().T
    expected = (scale * similarity + weight(similarity.clone()).log()).logsumexp(dim=1)
    torch.testing.assert_close(out, expected, rtol=1e-2 if "precision" in options else 1e-6, atol=0)
    assert keys.grad.isfinite().all()


def test_large_weights_do_not_overflow():
    tensors = problem(6, 9, 3, seed=1, scale=15.0, bias=True)
    tensors["queries"], tensors["keys"] = (
        torch.nn.functional.normalize(1 + 0.1 * tensors[name]) for name in ("queries", "keys")
    )
    options = {"weight": lambda s: (85 * s).exp(), "memory_budget": 1e6}
    truth = evaluate(tensors, torch.float64, backend="reference", **options)
    rival = evaluate(tensors, torch.float32, backend="reference", **options)
    mine = evaluate(tensors, torch.float32, block_rows=4, **options)
    for candidate, plain, exact in zip(mine, rival, truth, strict=True):
        assert_as_accurate_as(candidate, plain, exact)


def test_parameters_within_a_weight_take_no_gradient():
    queries, slope = torch.ones(3, 2).requires_grad_(), torch.tensor(2.0, requires_grad=True)
    for backend in ("reference", "blockwise"):
        weight = lambda s: (slope * s).exp()
        similarity_logsumexp(queries, queries, weight=weight, backend=backend).sum().backward()
        assert slope.grad is None


def test_bfloat16_products_keep_fp32_sums(backend):
    tensors = problem(40, 300, 64, seed=7, scale=2.0)
    truth = evaluate(tensors, torch.float64, backend="reference")
    mine = evaluate(tensors, torch.float32, backend=backend, precision="bfloat16")
    assert mine[0].dtype == torch.float32
    # bf16 keeps 8 bits: each of the 300 terms is off by 2^-9 of its logit, their mean by less.
    for candidate, exact in zip(mine, truth, strict=True):
        assert (candidate.double() - exact).norm() <= 2**-7 * exact.norm()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_inputs_are_summed_in_fp32(dtype):
    q, k = make_rows(9, 4, 0, dtype), make_rows(13, 4, 1, dtype)
    out = similarity_logsumexp(q, k, 3.0)
    assert out.dtype == torch.float32
    exact = similarity_logsumexp(q.double(), k.double(), 3.0, backend="reference")
    torch.testing.assert_close(out.double(), exact, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("scale", [2.0, 200.0])
def test_constant_keys_cost_no_gradient(scale):
    flops = []
    for needed in (True, False):
        q, k = make_rows(40, 8, 0).requires_grad_(), make_rows(40, 8, 1).requires_grad_(needed)
        out = similarity_logsumexp(q, k, scale, block_rows=16).sum()
        with FlopCounterMode(display=False) as counter:
            out.backward()
        flops.append(counter.get_total_flops())
    assert flops[0] == 3 * 2 * 40 * 40 * 8 and flops[1] == 2 * flops[0] / 3


@pytest.mark.parametrize("scale", [2.0, 200.0])
def test_the_bias_is_added_in_the_dtype_of_sums(backend, scale):
    q = make_rows(6, 4, 0)
    bias = torch.linspace(-1, 1.1, 6, dtype=torch.float64)
    for op in (lambda b, **o: similarity_logsumexp(q, q, scale, b, **o), self_logsumexp_of(q)):
        expected = op(bias.float(), backend=backend)
        for name in (backend, "reference"):
            out = op(bias, backend=name)
            assert out.dtype == torch.float32
            torch.testing.assert_close(out, expected)
        assert torch.equal(op(bias, backend=backend), expected)


def self_logsumexp_of(z):
    return lambda bias, **options: self_logsumexp(z, 2.0, bias, **options)


def test_kept_blocks_change_nothing_and_respect_the_budget():
    tensors = problem(64, 96, 8, seed=9)
    plain = evaluate(tensors, torch.float64, block_rows=16)
    for budget in (10**5, 1.2e5, 10**6):
        kept = evaluate(tensors, torch.float64, block_rows=16, memory_budget=budget)
        for candidate, exact in zip(kept, plain, strict=True):
            torch.testing.assert_close(candidate, exact, rtol=0, atol=0)


def test_a_second_backward_pass_recomputes_kept_blocks():
    q = make_rows(40, 5, 0).requires_grad_()
    out = similarity_logsumexp(q, q, 2.0, block_rows=16, memory_budget=1e6).sum()
    out.backward(retain_graph=True)
    first = q.grad.clone()
    out.backward()
    torch.testing.assert_close(q.grad, 2 * first)


def test_memory_that_went_to_another_call_is_not_read_again():
    first, second = make_rows(40, 5, 0).requires_grad_(), make_rows(40, 5, 1).requires_grad_()
    options = {"block_rows": 16, "memory_budget": 1e6}
    out = similarity_logsumexp(first, first, 2.0, **options).sum()
    out.backward(retain_graph=True)
    expected = first.grad.clone()
    similarity_logsumexp(second, second, 2.0, **options).sum()
    out.backward()
    torch.testing.assert_close(first.grad, 2 * expected)


def test_never_makes_the_similarity_matrix():
    q, k = (make_rows(512, 8, seed).requires_grad_() for seed in (0, 1))
    for options in ({"scale": 2.0}, {"scale": 500.0}, {"weight": torch.exp}):
        with LargestTensor() as largest:
            similarity_logsumexp(q, k, block_rows=64, **options).sum().backward()
        assert largest.numel == 64 * 64

    with LargestTensor() as largest:  # The instrument itself: it sees the matrix if there is one.
        similarity_logsumexp(q, k, backend="reference").sum().backward()
    assert largest.numel == 512 * 512


def test_a_row_whose_weights_vanish_is_minus_infinity_without_a_gradient():
    q = torch.tensor([[1.0, 0.0], [-1.0, 0.0]]).requires_grad_()
    k = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    out = similarity_logsumexp(q, k, weight=torch.relu)
    assert out[1] == -torch.inf
    out[0].backward()
    assert q.grad.isfinite().all() and q.grad[1].eq(0).all()


@pytest.mark.parametrize(
    "change, message",
    [
        (
            {"backend": "fast"},
            "'backend' must be one of ['auto', 'blockwise', 'reference', 'triton'] (got 'fast')",
        ),
        ({"precision": "int8"}, "'precision' must be one of ['bfloat16', 'float32'] (got 'int8')"),
        (
            {"queries": torch.ones(3)},
            "'queries' must be a matrix of at least one row and one column (got (3,))",
        ),
        (
            {"queries": torch.ones(0, 4)},
            "'queries' must be a matrix of at least one row and one column (got (0, 4))",
        ),
        (
            {"keys": torch.ones(5, 4, dtype=torch.int64)},
            "'keys' must be of a floating point dtype (got torch.int64)",
        ),
        ({"keys": torch.ones(5, 3)}, "'keys' must be of the width of 'queries', 4 (got 3)"),
        (
            {"keys": torch.ones(5, 4).double()},
            "'keys' must be of the dtype of 'queries', torch.float32 (got torch.float64)",
        ),
        (
            {"keys": torch.full((5, 4), torch.nan)},
            "'keys' must be finite (got '20 of 20 entries NaN or infinite')",
        ),
        (
            {"queries": torch.full((3, 4), 1e20), "keys": torch.full((5, 4), 1e20)},
            "'queries' must be small enough for sums of products below 3.4e+38 "
            "(got 'entries up to 1.0e+20')",
        ),
        ({"scale": math.inf}, "'scale' must be one finite number (got inf)"),
        ({"key_bias": torch.ones(4)}, "'key_bias' must be of shape (5,) (got (4,))"),
        ({"exclude": torch.ones(2)}, "'exclude' must be integer indices (got torch.float32)"),
        ({"exclude": torch.tensor([0, 5, 0])}, "'exclude' must be indices from 0 to 4 (got 5)"),
        ({"exclude": torch.tensor([0, -1, 0])}, "'exclude' must be indices from 0 to 4 (got -1)"),
        (
            {"exclude": torch.tensor([0])},
            "'exclude' must be of shape (3,) or (2, p), or sparse (got (1,))",
        ),
        (
            {"exclude": torch.tensor([[1] * 5, [0, 1, 2, 3, 4]])},
            "'exclude' must be a set that leaves every row a key (got 'all keys of row 1')",
        ),
        ({"block_rows": 0}, "'block_rows' must be an integer of at least 1 (got 0)"),
        ({"memory_budget": -1}, "'memory_budget' must be a positive number (got -1)"),
        (
            {"backend": "triton", "weight": torch.exp},
            "'backend' must be 'reference' or 'blockwise' with a weight (got 'triton')",
        ),
        (
            {"weight": lambda s: s[0]},
            "'weight' must be an element-wise function, so that its result is a tensor (3, 5) "
            "(got (5,))",
        ),
    ],
)
def test_refuses_bad_input(change, message):
    arguments = {"queries": torch.ones(3, 4), "keys": torch.ones(5, 4)} | change
    with pytest.raises(ValueError) as error:
        similarity_logsumexp(**arguments)
    assert str(error.value) == f"similarity_logsumexp: {message}"


def test_refuses_an_allocation_that_does_not_fit(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)  # One worker.
    rows = torch.ones(3000, 4)
    with pytest.raises(ValueError) as error:
        similarity_logsumexp(rows, rows, block_rows=3000, memory_budget=5e7)
    assert str(error.value) == (
        "similarity_logsumexp: needs about 0.1 GB for n=3000, block_rows=3000; "
        "use block_rows ≤ 2030"
    )
    similarity_logsumexp(rows, rows, block_rows=2027, memory_budget=5e7)

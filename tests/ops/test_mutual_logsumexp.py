import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from gclkit.ops import mutual_logsumexp, similarity_logsumexp
from gclkit.testing.measure import LargestTensor


def problem(n, m, d=5, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    queries = torch.randn(n, d, generator=generator, dtype=torch.float64) / d**0.5
    keys = torch.randn(m, d, generator=generator, dtype=torch.float64) / d**0.5
    return queries.to(dtype).requires_grad_(), keys.to(dtype).requires_grad_()


@settings(deadline=None, max_examples=25)
@given(
    n=st.integers(2, 60),
    m=st.integers(2, 60),
    block=st.integers(1, 70),
    scale=st.sampled_from([0.7, 9.0, 90.0]),
    exclude=st.booleans(),
    seed=st.integers(0, 99),
)
def test_equals_both_directions_of_the_general_operation(n, m, block, scale, exclude, seed):
    q, k = problem(n, m, seed=seed)
    pairs = torch.tensor([[0, 1, 1], [1, 0, 1]]) if exclude and n > 2 and m > 2 else None
    flipped = None if pairs is None else pairs.flip(0)
    over_keys, over_queries = mutual_logsumexp(q, k, scale, pairs, block_rows=block)
    options = {"backend": "reference"}
    forth = similarity_logsumexp(q, k, scale, None, pairs, **options)
    back = similarity_logsumexp(k, q, scale, None, flipped, **options)
    torch.testing.assert_close(over_keys, forth, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(over_queries, back, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("scale", [0.9, 90.0])
@pytest.mark.parametrize("budget", [None, 1e6])
def test_gradcheck(scale, budget):
    q, k = problem(6, 4, 3)
    scale = torch.tensor(scale, dtype=torch.float64, requires_grad=True)

    def op(q, k, scale):
        exclude = torch.tensor([[0, 5], [1, 2]])
        return mutual_logsumexp(q, k, scale, exclude, block_rows=3, memory_budget=budget)

    assert torch.autograd.gradcheck(op, (q, k, scale))


def test_backends_agree(backend):
    grads = []
    for name in ("reference", backend):
        q, k = problem(40, 33, dtype=torch.float32)
        forth, back = mutual_logsumexp(q, k, 3.0, backend=name)
        (2 * forth.sum() - back.square().sum()).backward()
        grads.append((forth, back, q.grad, k.grad))
    for mine, plain in zip(*grads, strict=True):
        torch.testing.assert_close(mine, plain, rtol=1e-5, atol=1e-5)


def test_never_makes_the_similarity_matrix():
    q, k = problem(512, 400, 8, dtype=torch.float32)
    with LargestTensor() as largest:
        sum(part.sum() for part in mutual_logsumexp(q, k, 2.0, block_rows=64)).backward()
    assert largest.numel == 64 * 64


@pytest.mark.parametrize(("name", "products"), [("blockwise", 1), ("reference", 2)])
def test_a_block_serves_both_directions_where_blocks_are_made(name, products):
    q, k = problem(40, 33)
    with FlopCounterMode(display=False) as counter:
        mutual_logsumexp(q, k, 3.0, backend=name, block_rows=16)
    assert counter.get_total_flops() == products * 2 * 40 * 33 * 5


def test_refuses_bad_input():
    q, k = problem(3, 2)
    with pytest.raises(ValueError) as error:
        mutual_logsumexp(q, k, 1.0, torch.tensor([[0, 1, 2], [1, 1, 1]]))
    assert str(error.value) == (
        "mutual_logsumexp: 'exclude' must be a set that leaves every row a key "
        "(got 'all keys of row 1')"
    )
    with pytest.raises(ValueError) as error:
        mutual_logsumexp(q, torch.ones(2, 4).double())
    assert str(error.value) == (
        "mutual_logsumexp: 'keys' must be of the width of 'queries', 5 (got 4)"
    )

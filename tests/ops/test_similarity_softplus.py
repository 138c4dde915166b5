import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from gclkit.ops import similarity_softplus
from gclkit.testing.asserts import assert_as_accurate_as
from gclkit.testing.measure import LargestTensor


def problem(n, m, d=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(k, d, generator=generator, dtype=torch.float64) for k in (n, m)]


def evaluate(q, k, dtype, **options):
    q, k = (x.detach().to(dtype).requires_grad_() for x in (q, k))
    scale = torch.tensor(0.7, dtype=dtype, requires_grad=True)
    out = similarity_softplus(q, k, scale, **options)
    (out * torch.linspace(0.5, 2.0, len(out), dtype=dtype)).sum().backward()
    return [out.detach(), q.grad, k.grad, scale.grad]


@settings(deadline=None, max_examples=25)
@given(
    n=st.integers(1, 60), m=st.integers(1, 60), block=st.integers(1, 70), seed=st.integers(0, 99)
)
def test_matches_the_definition(n, m, block, seed):
    q, k = problem(n, m, seed=seed)
    options = {"exclude": torch.arange(n) % m}
    truth = evaluate(q, k, torch.float64, backend="reference", **options)
    rival = evaluate(q, k, torch.float32, backend="reference", **options)
    mine = evaluate(q, k, torch.float32, block_rows=block, **options)
    for candidate, plain, exact in zip(mine, rival, truth, strict=True):
        assert_as_accurate_as(candidate, plain, exact)


def test_an_entry_left_out_contributes_nothing():
    q, k = problem(4, 6)
    pairs = torch.tensor([[0, 1, 1], [5, 0, 3]])
    terms = F.softplus(0.3 * q @ k.T)
    terms[pairs[0], pairs[1]] = 0.0
    torch.testing.assert_close(similarity_softplus(q, k, 0.3, pairs), terms.sum(dim=1))
    everything = torch.cartesian_prod(torch.arange(4), torch.arange(6)).T
    assert similarity_softplus(q, k, 0.3, everything).eq(0).all()


def test_gradcheck():
    q, k = (x.requires_grad_() for x in problem(6, 4))
    scale = torch.tensor(0.8, dtype=torch.float64, requires_grad=True)

    def op(q, k, scale):
        return similarity_softplus(q, k, scale, torch.tensor([[0, 5], [1, 2]]), block_rows=3)

    assert torch.autograd.gradcheck(op, (q, k, scale))


def test_huge_scores_neither_overflow_nor_vanish():
    q = torch.tensor([[300.0], [-300.0]]).requires_grad_()
    out = similarity_softplus(q, torch.tensor([[300.0]]))
    assert out.tolist() == [90000.0, 0.0]
    out.sum().backward()
    assert q.grad.tolist() == [[300.0], [0.0]]


def test_rows_whose_norms_overflow_are_fine_where_products_do_not():
    q, k = torch.full((2, 3), 2e25), torch.full((4, 3), 1e-25)
    expected = 4 * math.log1p(math.exp(6.0))
    assert similarity_softplus(q, k).tolist() == pytest.approx([expected] * 2)
    with pytest.raises(ValueError, match=r"^similarity_softplus: 'queries' must be small"):
        similarity_softplus(q, q)


def test_never_makes_the_similarity_matrix():
    q, k = (x.float().requires_grad_() for x in problem(512, 400, 8))
    with LargestTensor() as largest:
        similarity_softplus(q, k, block_rows=64).sum().backward()
    assert largest.numel == 64 * 64


def test_refuses_a_backend_that_does_not_exist():
    with pytest.raises(ValueError) as error:
        similarity_softplus(torch.ones(2, 3), torch.ones(2, 3), backend="triton")
    assert str(error.value) == (
        "similarity_softplus: 'backend' must be one that exists: 'auto', 'blockwise' or "
        "'reference' (got 'triton')"
    )


def test_the_definition_is_exact_for_large_logits():
    q, k = torch.tensor([[21.0]], dtype=torch.float64), torch.tensor([[1.0]], dtype=torch.float64)
    for backend in ("reference", "blockwise"):
        out = similarity_softplus(q, k, backend=backend)
        assert out.item() == pytest.approx(21 + math.log1p(math.exp(-21)), rel=1e-15)

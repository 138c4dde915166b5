import pytest
import torch

from gclkit.ops.bounded_sums import (
    LARGEST_LOGIT,
    MutualSums,
    RowSums,
    SelfSums,
    is_bounded,
    safe_share,
)
from gclkit.ops.tiles import Tiling


def make(n, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, 3, generator=generator, dtype=torch.float64, requires_grad=True)


@pytest.fixture
def parts():
    bias = torch.linspace(-1.0, 0.7, 7, dtype=torch.float64, requires_grad=True)
    scale = torch.tensor(1.3, dtype=torch.float64, requires_grad=True)
    return make(9, 0), make(7, 1), scale, bias


def tiling(**options):
    return Tiling(4, torch.float64, **options)


@pytest.mark.parametrize("keep", [0, 10**6])
def test_rows(parts, keep):
    queries, keys, scale, bias = parts
    expected = (scale * queries @ keys.T + bias).logsumexp(1)
    torch.testing.assert_close(RowSums.apply(*parts, tiling(keep=keep)), expected)
    assert torch.autograd.gradcheck(lambda *p: RowSums.apply(*p, tiling(keep=keep)), parts)


@pytest.mark.parametrize("keep", [0, 10**6])
def test_symmetric_pairs(parts, keep):
    z, _, scale, _ = parts
    bias = torch.linspace(-0.8, 1.1, 9, dtype=torch.float64, requires_grad=True)
    itself = torch.eye(9, dtype=torch.bool)
    logits = (scale * z @ z.T + bias).masked_fill(itself, -torch.inf)
    make_tiling = lambda: tiling(triangle=True, keep=keep)
    torch.testing.assert_close(SelfSums.apply(z, scale, bias, make_tiling()), logits.logsumexp(1))
    assert torch.autograd.gradcheck(lambda *p: SelfSums.apply(*p, make_tiling()), (z, scale, bias))


def test_both_directions_of_a_block(parts):
    queries, keys, scale, _ = parts
    over_keys, over_queries = MutualSums.apply(queries, keys, scale, tiling())
    logits = scale * queries @ keys.T
    torch.testing.assert_close(over_keys, logits.logsumexp(1))
    torch.testing.assert_close(over_queries, logits.logsumexp(0))
    assert torch.autograd.gradcheck(
        lambda *p: MutualSums.apply(*p, tiling()), (queries, keys, scale)
    )


@pytest.mark.parametrize("shift", [(3.0, 0.0), (0.0, 3.0)])
@pytest.mark.parametrize("mutual", [False, True])
def test_narrow_products_keep_the_digits_of_rows_with_a_mean(shift, mutual):
    # The mean is far larger than what the gradient is made of; bf16 alone has 8 bits.
    queries, keys = make(40, 0).detach() / 4 + shift[0], make(30, 1).detach() / 4 + shift[1]
    results = []
    for dtype in (torch.float64, torch.bfloat16):
        sums = torch.float64 if dtype == torch.float64 else torch.float32
        leaves = [rows.to(sums).requires_grad_() for rows in (queries, keys)]
        args = (*leaves, torch.tensor(0.8, dtype=sums))
        cut = Tiling(16, dtype)
        out = MutualSums.apply(*args, cut) if mutual else [RowSums.apply(*args, None, cut)]
        # Gradients that sum to 0, as those of a loss do.
        loss = sum((o * torch.linspace(-1, 1, len(o), dtype=sums)).sum() for o in out)
        results.append(torch.autograd.grad(loss, leaves))
    for exact, mine in zip(*results, strict=True):
        assert (mine.double() - exact).norm() <= 2e-2 * exact.norm()


def test_is_bounded_counts_lengths_scale_and_the_spread_of_the_bias():
    unit = torch.eye(3)
    assert is_bounded(2 * unit, 3 * unit, torch.tensor(LARGEST_LOGIT / 6), None)
    assert not is_bounded(2 * unit, 3 * unit, torch.tensor(-LARGEST_LOGIT / 5.9), None)
    bias = torch.tensor([100.0, 100.0 + LARGEST_LOGIT, 100.0])
    assert is_bounded(unit, unit, torch.tensor(0.0), bias)
    assert not is_bounded(unit, unit, torch.tensor(0.1), bias)


def test_a_row_without_any_term_has_no_gradient():
    share = safe_share(torch.tensor([3.0, 3.0, 0.0]), torch.tensor([4.0, 0.0, 0.0]))
    assert share.tolist() == [0.75, 0.0, 0.0]

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gclkit.losses import infonce
from gclkit.testing.asserts import assert_as_accurate_as
from gclkit.testing.measure import LargestTensor, PeakBytes


def dense(z1, z2, temperature):
    """The formula of GRACE's code: exponentials, sums, then the logarithm."""

    def terms(a, b):
        return torch.exp(F.normalize(a) @ F.normalize(b).T / temperature)

    def one_way(a, b):
        inside, across = terms(a, a), terms(a, b)
        total = inside.sum(dim=1) + across.sum(dim=1) - inside.diagonal()
        return -torch.log(across.diagonal() / total)

    return ((one_way(z1, z2) + one_way(z2, z1)) / 2).mean()


def evaluate(function, z1, z2, dtype):
    z1, z2 = (z.detach().to(dtype).requires_grad_() for z in (z1, z2))
    loss = function(z1, z2)
    loss.backward()
    return loss.detach(), z1.grad, z2.grad


@pytest.mark.parametrize("backend", ["reference", "blockwise"])
def test_equals_the_published_implementation(parity, backend):
    known = {name: torch.from_numpy(array) for name, array in parity("csgcl").items()}
    z1, z2 = (known[name].requires_grad_() for name in ("z1", "z2"))
    rows = None if backend == "reference" else 16
    loss = infonce(z1, z2, temperature=0.4, backend=backend, block_rows=rows)
    loss.backward()
    torch.testing.assert_close(loss, known["infonce"], rtol=0, atol=1e-6)
    torch.testing.assert_close(z1.grad, known["infonce_grad_z1"], rtol=0, atol=1e-6)
    torch.testing.assert_close(z2.grad, known["infonce_grad_z2"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("n", [2, 5, 64])
@pytest.mark.parametrize("temperature", [1e-2, 0.5, 10.0])
def test_identical_embeddings_give_the_log_of_the_number_of_candidates(n, temperature):
    z = torch.ones(n, 3)
    expected = pytest.approx(math.log(2 * n - 1), rel=1e-5)
    assert infonce(z, z, temperature=temperature).item() == expected


def test_matches_the_formula_written_as_loops(views):
    tau = 0.4
    pair = [z.detach() for z in views(6)]

    def term(a, i, b, j):
        return math.exp(float(torch.cosine_similarity(pair[a][i], pair[b][j], dim=0)) / tau)

    terms = []
    for a, b in ((0, 1), (1, 0)):
        for i in range(6):
            across = sum(term(a, i, b, j) for j in range(6))
            inside = sum(term(a, i, a, j) for j in range(6) if j != i)
            terms.append(-math.log(term(a, i, b, i) / (across + inside)))
    loss = infonce(*pair, temperature=tau)
    assert loss.item() == pytest.approx(sum(terms) / 12, rel=1e-12)


# The same examples on every run: among tiny graphs the dense formula is at times exact by luck.
@settings(
    deadline=None,
    max_examples=60,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    n=st.integers(1, 90),
    d=st.integers(2, 40),
    temperature=st.floats(0.05, 1.0),
    block=st.integers(1, 100),
    seed=st.integers(0, 99),
)
@example(n=1, d=2, temperature=1.0, block=1, seed=3)
@example(n=2, d=2, temperature=0.09375, block=1, seed=0)
def test_fp32_is_as_accurate_as_the_dense_formula(n, d, temperature, block, seed):
    check_accuracy(n, d, temperature, block, seed)


@pytest.mark.parametrize("n, temperature", [(3000, 0.05), (2500, 0.5), (1025, 1.0)])
def test_fp32_is_as_accurate_as_the_dense_formula_at_size(n, temperature):
    check_accuracy(n, 16, temperature, 1024, seed=1)


def check_accuracy(n, d, temperature, block, seed):
    generator = torch.Generator().manual_seed(seed)
    z1, z2 = torch.randn(2, n, d, generator=generator, dtype=torch.float64)
    z2 = z1 + 0.5 * z2
    truth = evaluate(lambda a, b: dense(a, b, temperature), z1, z2, torch.float64)
    rival = evaluate(lambda a, b: dense(a, b, temperature), z1, z2, torch.float32)
    options = {"temperature": temperature, "block_rows": block}
    mine = evaluate(lambda a, b: infonce(a, b, **options), z1, z2, torch.float32)
    for candidate, plain, exact in zip(mine, rival, truth, strict=True):
        assert_as_accurate_as(candidate, plain, exact)


def test_gradcheck(views):
    assert torch.autograd.gradcheck(
        lambda a, b: infonce(a, b, temperature=0.3, block_rows=4), views(7)
    )


def test_a_tiny_temperature_gives_no_nan(views):
    z1, z2 = views(8, dtype=torch.float32)
    loss = infonce(z1, z2, temperature=1e-3)
    loss.backward()
    assert loss.isfinite() and z1.grad.isfinite().all() and z2.grad.isfinite().all()
    torch.testing.assert_close(loss, infonce(z1, z2, temperature=1e-3, backend="reference"))


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_the_length_of_a_row_does_not_matter(views, size):
    z1, z2 = views(8, dtype=torch.float32)
    expected = infonce(z1, z2, temperature=0.4)
    torch.testing.assert_close(infonce(size * z1, z2, temperature=0.4), expected)


@pytest.mark.parametrize("noise", [0.3, 3.0])
@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_bfloat16_gradient_is_within_a_thousandth(noise, shift):
    generator = torch.Generator().manual_seed(0)
    z1, z2 = torch.randn(2, 2000, 64, generator=generator, dtype=torch.float64)
    z1, z2 = z1 + shift, z1 + noise * z2 + shift
    exact = evaluate(lambda a, b: infonce(a, b, backend="reference"), z1, z2, torch.float64)
    options = {"precision": "bfloat16", "block_rows": 500}
    for budget in (None, 1e8):
        mine = evaluate(
            lambda a, b, m=budget: infonce(a, b, memory_budget=m, **options), z1, z2, torch.float32
        )
        assert abs(mine[0].item() - exact[0].item()) < 1e-3
        for candidate, truth in zip(mine[1:], exact[1:], strict=True):
            assert (candidate.double() - truth).norm() <= 1e-3 * truth.norm()


def test_drawn_anchors_are_unbiased(views):
    z1, z2 = views(12, d=4)
    truth = evaluate(lambda a, b: infonce(a, b, temperature=0.4), z1, z2, torch.float64)
    generator = torch.Generator().manual_seed(0)
    draws = 1000
    options = {"temperature": 0.4, "anchors": 3, "generator": generator}
    samples = [
        evaluate(lambda a, b: infonce(a, b, **options), z1, z2, torch.float64) for _ in range(draws)
    ]
    for position, exact in enumerate(truth):
        drawn = torch.stack([sample[position] for sample in samples])
        error = (drawn.mean(dim=0) - exact).abs()
        assert drawn.std(dim=0).max() > 0
        assert (error <= 5 * drawn.std(dim=0) / draws**0.5).all()


def test_as_many_anchors_as_nodes_are_all_of_them(views):
    z1, z2 = views(9)
    torch.testing.assert_close(infonce(z1, z2, anchors=9), infonce(z1, z2))
    torch.testing.assert_close(infonce(z1, z2, anchors=50), infonce(z1, z2))


def test_anchors_follow_the_generator(views):
    z1, z2 = views(40)
    values = [
        infonce(z1, z2, anchors=7, generator=torch.Generator().manual_seed(seed)).item()
        for seed in (1, 1, 2)
    ]
    assert values[0] == values[1] != values[2]


def test_the_own_node_as_the_only_positive_is_the_default(views):
    z1, z2 = views(9)
    own = torch.arange(9).expand(2, 9)
    torch.testing.assert_close(infonce(z1, z2, positives=own), infonce(z1, z2))


def test_several_positives_are_averaged_and_anchors_without_any_left_out(views):
    z1, z2 = views(6)
    positives = torch.tensor([[0, 0, 3, 3, 3], [0, 4, 3, 1, 1]])  # One pair twice.
    tau, terms = 0.4, []
    for a, b in ((z1, z2), (z2, z1)):
        a, b = F.normalize(a), F.normalize(b)
        inside = (a @ a.T / tau).fill_diagonal_(-torch.inf)
        denominator = torch.cat([inside, a @ b.T / tau], dim=1).logsumexp(dim=1)
        terms += [
            denominator[i] - (a[i] @ b[own].T / tau).mean() for i, own in ((0, [0, 4]), (3, [3, 1]))
        ]
    loss = infonce(z1, z2, temperature=tau, positives=positives)
    torch.testing.assert_close(loss, torch.stack(terms).mean())
    assert torch.autograd.gradcheck(
        lambda a, b: infonce(a, b, temperature=tau, positives=positives), (z1, z2)
    )
    generator = torch.Generator().manual_seed(0)
    drawn = infonce(z1, z2, temperature=tau, positives=positives, anchors=1, generator=generator)
    assert any(torch.isclose(drawn, (terms[i] + terms[j]) / 2) for i in (0, 1) for j in (2, 3))


def test_no_positives_at_all_give_zero_with_a_graph(views):
    z1, z2 = views(6)
    loss = infonce(z1, z2, positives=torch.empty(2, 0, dtype=torch.int64))
    loss.backward()
    assert loss.item() == 0 and z1.grad.eq(0).all()


def test_memory_is_one_block_and_a_few_vectors():
    z1, z2 = (torch.randn(2000, 16, requires_grad=True) for _ in range(2))
    vector = 4000 * 16
    for options in ({}, {"anchors": 128}, {"precision": "bfloat16"}):
        with LargestTensor() as largest, PeakBytes() as peak:
            infonce(z1, z2, block_rows=256, **options).backward()
        assert largest.numel == max(256 * 256, vector)
        assert peak.peak <= 4 * (3 * 256 * 256 + 10 * vector)
        assert peak.peak < 4 * 2000 * 2000 / 4


@pytest.mark.parametrize(
    "z1, z2, options, message",
    [
        ((3, 4), (3, 5), {}, "'z2' must be of the shape of 'z1', (3, 4) (got (3, 5))"),
        (
            (0, 4),
            (0, 4),
            {},
            "'z1' must be a matrix of at least one row and one column (got (0, 4))",
        ),
        ((3,), (3,), {}, "'z1' must be a matrix of at least one row and one column (got (3,))"),
        ((3, 4), (3, 4), {"temperature": 0}, "'temperature' must be a positive number (got 0)"),
        (
            (3, 4),
            (3, 4),
            {"temperature": -1.0},
            "'temperature' must be a positive number (got -1.0)",
        ),
        ((3, 4), (3, 4), {"anchors": 0}, "'anchors' must be an integer of at least 1 (got 0)"),
        (
            (3, 4),
            (3, 4),
            {"positives": torch.tensor([[0], [3]])},
            "'positives' must be indices from 0 to 2 (got 3)",
        ),
        (
            (3, 4),
            (3, 4),
            {"positives": torch.tensor([0, 1])},
            "'positives' must be pairs (anchor, positive), int64 of shape (2, p) "
            "(got 'torch.int64 of shape (2,)')",
        ),
    ],
)
def test_refuses_bad_input(z1, z2, options, message):
    with pytest.raises(ValueError) as error:
        infonce(torch.ones(z1), torch.ones(z2), **options)
    assert str(error.value) == f"infonce: {message}"


def test_refuses_entries_that_are_no_embedding(views):
    z = torch.ones(3, 4)
    zero, bad = z.clone(), z.clone()
    zero[1], bad[2, 0] = 0.0, torch.nan
    for value, message in (
        (
            zero,
            "infonce: 'z2' must be free of zero rows, which have no direction; "
            "behind a last ReLU use a Projector, or final_activation=False "
            "(got 'row 1 is zero')",
        ),
        (bad, "infonce: 'z2' must be finite (got '1 of 12 entries NaN or infinite')"),
        (
            z.double(),
            "infonce: 'z2' must be of the dtype of 'z1', torch.float32 (got torch.float64)",
        ),
        (z.long(), "infonce: 'z2' must be of a floating point dtype (got torch.int64)"),
    ):
        with pytest.raises(ValueError) as error:
            infonce(z, value)
        assert str(error.value) == message


def test_refuses_an_allocation_that_does_not_fit(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)  # One worker.
    z = torch.ones(3000, 4)
    with pytest.raises(ValueError) as error:
        infonce(z, z, block_rows=3000, memory_budget=5e7)
    assert str(error.value) == (
        "infonce: needs about 0.1 GB for n=3000, block_rows=3000; "
        "use block_rows ≤ 2020 or anchors=1024"
    )


@pytest.mark.parametrize("anchors", [None, 20])
def test_terms_of_a_single_positive_are_exact(agreeing_views, assert_relatively_exact, anchors):
    other = torch.arange(50)
    other[:2] = torch.tensor([1, 0])
    options = {"temperature": 0.05, "anchors": anchors}
    z1, z2 = agreeing_views(50)

    def loss(a, b):
        generator = torch.Generator().manual_seed(2)
        positives = torch.stack([torch.arange(50), other])
        return infonce(a, b, positives=positives, generator=generator, **options)

    assert_relatively_exact(loss, z1, z2.detach()[other])


def test_positives_that_are_single_one_way_stay_in_each_other_denominator(views):
    z1, z2 = views(5)
    positives = torch.tensor([[0, 1, 2, 2], [1, 2, 1, 3]])  # 1 and 2 are not each other's only one.
    logits = {}
    for name, a, b in (("forth", z1, z2), ("back", z2, z1)):
        a, b = F.normalize(a), F.normalize(b)
        inside = (a @ a.T / 0.3).fill_diagonal_(-torch.inf)
        across = a @ b.T / 0.3
        share = torch.zeros(5, 5, dtype=torch.float64)
        share[positives[0], positives[1]] = torch.tensor([1.0, 1.0, 0.5, 0.5]).double()
        total = torch.cat([inside, across], dim=1).logsumexp(dim=1)
        logits[name] = (total - (share * across).sum(dim=1))[:3]
    loss = infonce(z1, z2, temperature=0.3, positives=positives)
    torch.testing.assert_close(loss, torch.cat([*logits.values()]).mean())


def test_bfloat16_gradient_of_drawn_anchors_holds_with_a_mean():
    generator = torch.Generator().manual_seed(0)
    z1, z2 = torch.randn(2, 600, 16, generator=generator, dtype=torch.float64)
    z2 = z1 + 0.5 * z2 + 2
    z1 = z1 + 2

    def loss(a, b, **options):
        return infonce(a, b, anchors=300, generator=torch.Generator().manual_seed(1), **options)

    exact = evaluate(loss, z1, z2, torch.float64)
    mine = evaluate(lambda a, b: loss(a, b, precision="bfloat16"), z1, z2, torch.float32)
    for candidate, truth in zip(mine[1:], exact[1:], strict=True):
        assert (candidate.double() - truth).norm() <= 3e-3 * truth.norm()

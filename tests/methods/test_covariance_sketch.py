import pytest
import torch

from gclkit.methods import covariance_sketch as module
from gclkit.methods.covariance_sketch import covariance_sketch
from gclkit.testing.measure import LargestTensor


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


def matrix(n, rows, **options):
    """The sketch itself, by sketching the identity."""
    return covariance_sketch(torch.eye(n, dtype=torch.float64), rows, **options)


@pytest.mark.parametrize("kind", ["gaussian", "sparse"])
@pytest.mark.parametrize("keep", [True, False])
def test_is_linear_with_one_and_the_same_sketch(kind, keep, monkeypatch):
    monkeypatch.setattr(module, "KEPT_ENTRIES", 10**9 if keep else 0)
    z = torch.randn(13, 4, generator=seeded(0), dtype=torch.float64, requires_grad=True)
    options = {"kind": kind, "block_rows": 3}
    p = matrix(13, 7, generator=seeded(), **options)
    out = covariance_sketch(z, 7, generator=seeded(), **options)
    torch.testing.assert_close(out, p @ z)
    grad = torch.randn(7, 4, generator=seeded(2), dtype=torch.float64)
    torch.testing.assert_close(torch.autograd.grad(out, z, grad)[0], p.T @ grad)


@pytest.mark.parametrize("kind", ["gaussian", "sparse"])
def test_keeps_the_covariance_in_expectation(kind):
    draws = torch.stack([matrix(8, 5, kind=kind, generator=seeded(s)) for s in range(4000)])
    gram = draws.transpose(1, 2) @ draws
    error = (gram.mean(dim=0) - torch.eye(8)).abs()
    assert (error <= 5 * gram.std(dim=0) / 4000**0.5 + 1e-9).all()


def test_gaussian_entries_have_the_stated_variance():
    p = matrix(400, 50, generator=seeded())
    assert float(p.var()) == pytest.approx(1 / 50, rel=0.05)
    assert abs(float(p.mean())) < 5 * (1 / 50 / 20_000) ** 0.5


def test_the_sparse_sketch_leaves_no_mixture_empty():
    p = matrix(21, 10, kind="sparse", generator=seeded())
    assert set(p.unique().tolist()) == {-1.0, 0.0, 1.0}
    assert (p.abs().sum(dim=0) == 1).all() and set(p.abs().sum(dim=1).tolist()) == {2.0, 3.0}


@pytest.mark.parametrize("kind", ["gaussian", "sparse"])
def test_the_generator_moves_on(kind):
    generator = seeded()
    first, second = (matrix(9, 4, kind=kind, generator=generator) for _ in range(2))
    assert not torch.equal(first, second)
    assert torch.equal(first, matrix(9, 4, kind=kind, generator=seeded()))


def test_without_a_generator_the_global_one_decides_also_in_the_backward_pass(monkeypatch):
    monkeypatch.setattr(module, "KEPT_ENTRIES", 0)
    z = torch.eye(6, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(3)
    out = covariance_sketch(z, 4)
    torch.rand(5)
    grad = torch.autograd.grad(out, z, torch.eye(4, 6, dtype=torch.float64))[0]
    torch.testing.assert_close(grad[:, :4], out[:4].T @ torch.eye(4, dtype=torch.float64))
    torch.manual_seed(3)
    assert torch.equal(covariance_sketch(z, 4), out)


def test_a_large_sketch_is_never_held(monkeypatch):
    monkeypatch.setattr(module, "KEPT_ENTRIES", 0)
    z = torch.randn(2000, 4, requires_grad=True)
    with LargestTensor() as largest:
        covariance_sketch(z, 1000, block_rows=16, generator=seeded()).sum().backward()
    assert largest.numel == 16 * 2000


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"rows": 0}, "'rows' must be an integer of at least 1 (got 0)"),
        ({"rows": 2, "kind": "dct"}, "'kind' must be one of ['gaussian', 'sparse'] (got 'dct')"),
        ({"rows": 2, "block_rows": 0}, "'block_rows' must be an integer of at least 1 (got 0)"),
    ],
)
def test_refusals(options, sentence):
    with pytest.raises(ValueError) as error:
        covariance_sketch(torch.ones(4, 2), **options)
    assert str(error.value) == f"covariance_sketch: {sentence}"

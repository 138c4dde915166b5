import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from gclkit.evaluators.logistic import fit_logistic


def make_problem(b, t, d, c, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(b, t, d, generator=generator, dtype=dtype) * torch.linspace(0.2, 3, d) + 0.7
    y = (x[..., :c] + torch.randn(b, t, c, generator=generator, dtype=dtype)).argmax(-1)
    return x, y


def objective(x, y, weight, bias, strength):
    loss = torch.nn.functional.cross_entropy(x @ weight + bias, y, reduction="sum")
    return float(strength * loss + 0.5 * weight.square().sum())


@pytest.mark.parametrize(("t", "d", "c"), [(60, 7, 3), (25, 40, 4)])
def test_reaches_the_optimum_of_scikit_learn(t, d, c):
    x, y = make_problem(2, t, d, c)
    strengths = (0.05, 0.7, 30.0)
    fit = fit_logistic(x, y, strengths=strengths, num_classes=c, max_iter=3000, tolerance=1e-9)
    for b in range(2):
        for s, strength in enumerate(strengths):
            rival = LogisticRegression(C=strength, tol=1e-10, max_iter=10_000)
            rival.fit(x[b].numpy(), y[b].numpy())
            weight, bias = torch.from_numpy(rival.coef_.T), torch.from_numpy(rival.intercept_)
            best = objective(x[b], y[b], weight, bias, strength)
            reached = objective(x[b], y[b], fit.weight[b, s], fit.bias[b, s], strength)
            assert reached <= best * (1 + 1e-8)
            torch.testing.assert_close(fit.weight[b, s], weight, rtol=1e-3, atol=1e-5)


def test_two_classes_are_the_binary_model_of_twice_the_strength():
    x, y = make_problem(1, 30, 5, 2)
    fit = fit_logistic(x, y, strengths=[0.7], num_classes=2, max_iter=3000, tolerance=1e-10)
    rival = LogisticRegression(C=1.4, tol=1e-10, max_iter=10_000).fit(x[0].numpy(), y[0].numpy())
    ours = fit.weight[0, 0, :, 1] - fit.weight[0, 0, :, 0]
    torch.testing.assert_close(ours, torch.from_numpy(rival.coef_[0]), rtol=1e-4, atol=1e-6)


def test_padding_rows_do_not_count():
    x, y = make_problem(1, 40, 6, 3)
    alone = fit_logistic(x, y, strengths=[0.3], num_classes=3, tolerance=1e-10, max_iter=2000)
    padded_x = torch.cat([x, 1e3 * torch.ones(1, 15, 6, dtype=x.dtype)], dim=1)
    padded_y = torch.cat([y, torch.ones(1, 15, dtype=y.dtype)], dim=1)
    present = (torch.arange(55) < 40).double().unsqueeze(0)
    both = fit_logistic(
        padded_x, padded_y, strengths=[0.3], num_classes=3, present=present,
        tolerance=1e-10, max_iter=2000,
    )  # fmt: skip
    torch.testing.assert_close(both.weight, alone.weight, rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(both.bias, alone.bias, rtol=1e-6, atol=1e-8)


def test_problems_do_not_disturb_each_other():
    x, y = make_problem(3, 50, 8, 4, seed=3)
    options = {"num_classes": 4, "tolerance": 1e-10, "max_iter": 3000}
    together = fit_logistic(x, y, strengths=[0.02, 0.5, 20.0], **options)
    alone = fit_logistic(x[1:2], y[1:2], strengths=[20.0], **options)
    torch.testing.assert_close(together.weight[1, 2], alone.weight[0, 0], rtol=1e-5, atol=1e-7)


def test_single_precision_stays_finite_far_beyond_convergence():
    x, y = make_problem(2, 30, 5, 3, dtype=torch.float32)
    x[..., 2] = 4.0  # A constant column.
    fit = fit_logistic(
        x, y, strengths=[1e-4, 1.0, 1e4], num_classes=3, tolerance=1e-12, max_iter=300
    )
    assert fit.weight.isfinite().all() and fit.bias.isfinite().all()
    assert np.allclose(fit.weight[:, :, 2], 0, atol=1e-4)
    assert (fit.gradient[:, :2] < 1e-5).all()


def test_a_class_without_rows_is_never_chosen():
    x, y = make_problem(1, 40, 6, 3)
    fit = fit_logistic(x, y, strengths=[1.0], num_classes=5)
    assert set((x[0] @ fit.weight[0, 0] + fit.bias[0, 0]).argmax(1).tolist()) <= {0, 1, 2}


def test_no_factor_of_a_product_is_denormal(monkeypatch):
    small = []

    def bmm(left, right, **options):
        size = left.abs()
        small.append(bool(((size > 0) & (size < torch.finfo(left.dtype).tiny)).any()))
        return torch.matmul(left, right, **options)

    monkeypatch.setattr(torch, "bmm", bmm)
    y = torch.arange(60)[None] % 3
    x = torch.linspace(1, 12, 60)[:, None] * torch.nn.functional.one_hot(y, 3).float()
    fit_logistic(x, y, strengths=[1e4], num_classes=3, tolerance=1e-9)
    assert len(small) > 4 and not any(small)

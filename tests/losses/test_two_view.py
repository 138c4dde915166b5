import sys

import pytest
import torch
import torch.nn.functional as F

from gclkit.losses.two_view import draw, two_view_contrast


@pytest.fixture
def views():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(7, 4, generator=generator, dtype=torch.float64) for _ in range(2)]


def by_loops(z1, z2, temperature, bias):
    """One row of the stacked views after the other, as the definition says."""
    n = len(z1)
    z = F.normalize(torch.cat([z1, z2]))
    total = 0.0
    for i in range(2 * n):
        logits = [float(z[i] @ z[j]) / temperature + float(bias[j % n]) for j in range(2 * n)]
        others = torch.tensor([logits[j] for j in range(2 * n) if j != i], dtype=torch.float64)
        total += float(others.logsumexp(0)) - logits[(i + n) % (2 * n)]
    return total / (2 * n)


def test_is_the_definition(views):
    bias = torch.linspace(-0.4, 0.9, 7, dtype=torch.float64)
    loss = two_view_contrast("f", *views, temperature=0.6, key_bias=bias)
    assert loss.item() == pytest.approx(by_loops(*views, 0.6, bias), rel=1e-12)


def test_gradients_to_both_views_and_the_bias(views):
    bias = torch.linspace(-0.4, 0.9, 7, dtype=torch.float64)
    inputs = [t.requires_grad_() for t in (*views, bias)]
    assert torch.autograd.gradcheck(
        lambda a, b, c: two_view_contrast("f", a, b, temperature=0.6, key_bias=c), inputs
    )


def test_no_anchor_with_a_positive_is_a_zero_with_a_gradient(views):
    z1, z2 = (z.requires_grad_() for z in views)
    nothing = torch.empty(2, 0, dtype=torch.int64)
    loss = two_view_contrast("f", z1, z2, temperature=0.6, positives=nothing)
    loss.backward()
    assert loss == 0 and (z1.grad == 0).all() and (z2.grad == 0).all()


def test_draws_without_repetition_from_the_generator():
    index = torch.tensor([3, 5, 8, 9, 12])
    first = draw(index, 3, torch.Generator().manual_seed(1))
    assert first.unique().numel() == 3 and set(first.tolist()) <= set(index.tolist())
    assert torch.equal(first, draw(index, 3, torch.Generator().manual_seed(1)))


def test_each_direction_draws_its_own_anchors_from_the_generator_alone(views, monkeypatch):
    module = sys.modules["gclkit.losses.two_view"]
    drawn = []

    def record(queries, *args, **kwargs):
        drawn.append(queries)
        return original(queries, *args, **kwargs)

    original = module.similarity_logsumexp
    monkeypatch.setattr(module, "similarity_logsumexp", record)
    before = torch.get_rng_state()
    generator = torch.Generator().manual_seed(2)
    two_view_contrast("f", *views, temperature=0.6, anchors=3, generator=generator)
    assert torch.equal(torch.get_rng_state(), before)
    rows = torch.cat([F.normalize(z) for z in views])
    index = torch.cdist(drawn[0], rows).argmin(dim=1)
    forth, back = index.tolist()[:3], (index - 7).tolist()[3:]
    assert max(forth) < 7 and min(back) >= 0 and set(forth) != set(back)

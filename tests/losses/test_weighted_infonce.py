import pytest
import torch
import torch.nn.functional as F

from gclkit.losses import infonce, weighted_infonce


def weight(similarity):
    return 0.1 + (similarity + 1).square()


def formula(z1, z2, tau, weight=weight):
    n, terms = len(z1), []
    for a, b in ((F.normalize(z1), F.normalize(z2)), (F.normalize(z2), F.normalize(z1))):
        for i in range(n):
            others = [j for j in range(n) if j != i]
            positive = a[i] @ b[i] / tau
            total = positive.exp()
            for keys in (a, b):
                similarity = a[i] @ keys[others].T
                w = weight(similarity.detach())
                total = total + (w / w.mean() * (similarity / tau).exp()).sum()
            terms.append(total.log() - positive)
    return torch.stack(terms).mean()


def test_matches_the_formula_and_its_gradient(views):
    z1, z2 = views(8)
    loss = weighted_infonce(z1, z2, weight, temperature=0.4, block_rows=3)
    expected = formula(z1, z2, 0.4)
    torch.testing.assert_close(loss, expected)
    for mine, exact in zip(
        torch.autograd.grad(loss, (z1, z2)), torch.autograd.grad(expected, (z1, z2)), strict=True
    ):
        torch.testing.assert_close(mine, exact)


def test_a_constant_weight_gives_infonce(views):
    z1, z2 = views(8)
    loss = weighted_infonce(z1, z2, lambda s: torch.full_like(s, 3.0), temperature=0.3)
    torch.testing.assert_close(loss, infonce(z1, z2, temperature=0.3))


@pytest.mark.parametrize("weight", [torch.relu, lambda s: s, lambda s: 1 / torch.relu(s)])
def test_refuses_a_row_without_weight(weight):
    z = torch.tensor([[1.0, 0.0], [-1.0, 0.1], [-1.0, -0.1]])
    with pytest.raises(ValueError) as error:
        weighted_infonce(z, z.clone(), weight)
    assert str(error.value) == (
        "weighted_infonce: 'weight' must be at least 0 and finite, and positive somewhere in "
        "each row (got 'row 0')"
    )


def test_a_weight_that_vanishes_at_one_is_not_made_negative_by_rounding():
    z = torch.randn(50, 16, generator=torch.Generator().manual_seed(0)).repeat(2, 1)
    u = F.normalize(z)
    assert (u @ u.T).max() > 1, "some cosines round above 1"
    least = []

    def distance(similarity):
        least.append(float((1 - similarity).min()))
        return 1 - similarity

    loss = weighted_infonce(z, z.clone(), distance)
    assert min(least) == 0
    exact = formula(z.double(), z.double(), 0.5, lambda s: (1 - s).clamp(min=0))
    torch.testing.assert_close(loss.double(), exact, rtol=1e-5, atol=0)


@pytest.mark.parametrize("backend", ["reference", "blockwise"])
def test_refuses_one_negative_weight_in_a_row_of_positive_ones(views, backend):
    with pytest.raises(ValueError, match=r"^weighted_infonce: 'weight' must be at least 0 and fin"):
        weighted_infonce(*views(9), lambda s: s + 0.7, backend=backend)


def test_refuses_bad_input(views):
    with pytest.raises(ValueError) as error:
        weighted_infonce(*views(3), weight, temperature=-1)
    assert str(error.value) == "weighted_infonce: 'temperature' must be a positive number (got -1)"


@pytest.mark.parametrize("backend", ["reference", "blockwise"])
def test_refuses_a_weight_of_a_whole_block(views, backend):
    for weight, shape in ((torch.mean, ()), (lambda s: s.mean(1, keepdim=True), (9, 1))):
        with pytest.raises(ValueError) as error:
            weighted_infonce(*views(9), weight, backend=backend)
        assert str(error.value) == (
            "weighted_infonce: 'weight' must be an element-wise function, so that its result is a "
            f"tensor (9, 9) (got {shape})"
        )


def test_terms_next_to_zero_are_exact(agreeing_views, assert_relatively_exact):
    loss = lambda a, b: weighted_infonce(a, b, weight, temperature=0.05, block_rows=16)
    assert_relatively_exact(loss, *agreeing_views(50))

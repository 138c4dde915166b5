import math

import pytest
import torch

from gclkit.losses import infonce, team_up


def make_strength(n):
    generator = torch.Generator().manual_seed(7)
    return torch.rand(n, generator=generator, dtype=torch.float64) - 0.2


@pytest.mark.parametrize("backend", ["reference", "blockwise"])
@pytest.mark.parametrize("epoch, gamma, cap", [(100, 0.0, 1), (550, 0.5, 1), (900, 2.0, 2)])
def test_equals_the_published_implementation(parity, backend, epoch, gamma, cap):
    known = {name: torch.from_numpy(array) for name, array in parity("csgcl").items()}
    z1, z2 = (known[name].requires_grad_() for name in ("z1", "z2"))
    name = f"teamup__epoch{epoch}_t0500_gammamax{cap}"
    loss = team_up(
        z1,
        z2,
        known["node_strength"],
        gamma=gamma,
        temperature=0.4,
        backend=backend,
        block_rows=None if backend == "reference" else 16,
    )
    loss.backward()
    torch.testing.assert_close(loss, known[name], rtol=0, atol=1e-6)
    torch.testing.assert_close(z1.grad, known[f"{name}_grad_z1"], rtol=0, atol=1e-6)
    torch.testing.assert_close(z2.grad, known[f"{name}_grad_z2"], rtol=0, atol=1e-6)


def test_matches_the_formula_written_as_loops(views):
    (u, v), s = views(6), make_strength(6)
    tau, gamma = 0.3, 0.7
    views = u.detach(), v.detach()

    def logit(a, i, b, j):
        cos = float(torch.cosine_similarity(views[a][i], views[b][j], dim=0))
        return (cos + gamma * float(s[i] + s[j])) / tau

    terms = []
    for a, b in ((0, 1), (1, 0)):
        for i in range(6):
            across = sum(math.exp(logit(a, i, b, j)) for j in range(6))
            inside = sum(math.exp(logit(a, i, a, j)) for j in range(6) if j != i)
            terms.append(math.log(across + inside) - logit(a, i, b, i))
    loss = team_up(u, v, s, gamma=gamma, temperature=tau)
    assert loss.item() == pytest.approx(sum(terms) / 12, rel=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 3.0])
def test_equal_strengths_or_no_gamma_give_infonce(views, gamma):
    (z1, z2), strength = views(9), make_strength(9)
    strength = strength if gamma == 0 else torch.full_like(strength, 0.3)
    expected = infonce(z1, z2, temperature=0.4)
    torch.testing.assert_close(team_up(z1, z2, strength, gamma=gamma, temperature=0.4), expected)


def test_survives_a_huge_bias(views):
    (z1, z2), strength = views(9), make_strength(9)
    options = {"gamma": 500.0, "temperature": 0.05}
    loss = team_up(z1, z2, strength, **options)
    torch.testing.assert_close(loss, team_up(z1, z2, strength, backend="reference", **options))
    loss.backward()
    assert z1.grad.isfinite().all() and z2.grad.isfinite().all()


def test_the_strength_gets_its_gradient(views):
    (z1, z2), strength = views(6), make_strength(6)
    strength.requires_grad_()

    def loss(z1, z2, strength):
        return team_up(z1, z2, strength, gamma=0.7, temperature=0.3, block_rows=4)

    assert torch.autograd.gradcheck(loss, (z1, z2, strength))


def test_refuses_what_is_no_strength(views):
    (z1, z2), strength = views(9), make_strength(9)
    with pytest.raises(ValueError) as error:
        team_up(z1, z2, strength[:4], gamma=0.5)
    assert str(error.value) == (
        "team_up: 'strength' must be one number per node, of shape (9,) (got (4,))"
    )
    strength[3] = torch.nan
    with pytest.raises(ValueError) as error:
        team_up(z1, z2, strength, gamma=0.5)
    assert str(error.value) == (
        "team_up: 'strength' must be finite (got '1 of 9 entries NaN or infinite')"
    )
    with pytest.raises(ValueError) as error:
        team_up(z1, z2, make_strength(9), gamma=-1.0)
    assert str(error.value) == "team_up: 'gamma' must be a number of at least 0 (got -1.0)"


def test_drawn_anchors_follow_the_generator(views):
    (z1, z2), strength = views(40), make_strength(40)
    values = [
        team_up(
            z1,
            z2,
            strength,
            gamma=0.5,
            anchors=7,
            generator=torch.Generator().manual_seed(seed),
        ).item()
        for seed in (1, 1, 2)
    ]
    assert values[0] == values[1] != values[2]
    assert values[0] != team_up(z1, z2, strength, gamma=0.5).item()

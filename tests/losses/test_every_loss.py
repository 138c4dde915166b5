"""What holds for every loss."""

import pytest
import torch

from gclkit import losses

N = 12
PAIRS = torch.tensor([[0, 0, 3, 5], [2, 7, 3, 6]])
STRENGTH = torch.linspace(-0.4, 0.9, N)
LABELS = torch.arange(N) % 4


def seeded():
    return torch.Generator().manual_seed(5)


def weight(similarity):
    return 0.1 + (similarity + 1).square()


# Each public loss on two views, with the arguments that it cannot do without.
CALLS = {
    "barlow_twins": losses.barlow_twins,
    "bootstrap_cosine": lambda a, b: losses.bootstrap_cosine(a, b, b.detach(), a.detach()),
    "cca_ssg": losses.cca_ssg,
    "clip_infonce": losses.clip_infonce,
    "dcl": losses.dcl,
    "dclw": losses.dclw,
    "debiased_infonce": losses.debiased_infonce,
    "hardness_infonce": losses.hardness_infonce,
    "infonce": losses.infonce,
    "jsd": losses.jsd,
    "mixed_infonce": lambda a, b, **o: losses.mixed_infonce(
        a, b, weight, mixed=5, generator=seeded(), **o
    ),
    "summary_jsd": lambda a, b, **o: losses.summary_jsd(
        a, b[:4], membership=torch.arange(N) % 4, **o
    ),
    "supervised_contrast": lambda a, b, **o: losses.supervised_contrast(
        torch.cat([a, b]), labels=LABELS.repeat(2), **o
    ),
    "team_up": lambda a, b, **o: losses.team_up(a, b, STRENGTH, gamma=0.7, **o),
    "triplet_margin": lambda a, b: losses.triplet_margin(a, b, a.flip(0)),
    "vicreg": losses.vicreg,
    "weighted_infonce": lambda a, b, **o: losses.weighted_infonce(a, b, weight, **o),
}
WITH_POSITIVES = {
    "infonce": lambda a, b: losses.infonce(a, b, positives=PAIRS),
    "dcl": lambda a, b: losses.dcl(a, b, positives=PAIRS),
    "supervised_contrast": lambda a, b: losses.supervised_contrast(a, positives=PAIRS[:, :2]),
}
CASES = [*CALLS.items(), *WITH_POSITIVES.items()]
LINEAR = {"barlow_twins", "cca_ssg", "triplet_margin", "vicreg"}  # In the nodes: no blocks.


def test_no_loss_is_forgotten():
    functions = {name for name in losses.__all__ if name.islower()}
    assert functions - {"estimate_memory"} == set(CALLS)


@pytest.mark.parametrize(("name", "call"), CASES)
def test_gives_the_same_bits_within_autocast(views, name, call):
    z1, z2 = views(N, dtype=torch.float32)
    results = []
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            loss = call(z1, z2)
        results.append((loss, *torch.autograd.grad(loss, (z1, z2), allow_unused=True)))
    assert results[1][0].dtype == torch.float32
    for plain, within in zip(*results, strict=True):
        assert (plain is within is None) or torch.equal(plain, within)


@pytest.mark.parametrize(("name", "call"), CASES)
def test_has_a_second_derivative_or_refuses_it(views, name, call):
    inputs = views(N)
    if name in LINEAR:
        assert torch.autograd.gradgradcheck(call, inputs)
        return
    with pytest.raises(ValueError) as error:
        torch.autograd.grad(call(*inputs), inputs, create_graph=True, allow_unused=True)
    assert str(error.value) == (
        "backward: 'create_graph' must be False: a loss over similarities has no second "
        "derivative (got True)"
    )

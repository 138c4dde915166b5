import pytest
import torch

from gclkit.losses import infonce, mixed_infonce
from gclkit.testing.measure import LargestTensor


def hardness(similarity):
    """Largest for cosines near 1/2, so that the largest weights are not the largest cosines."""
    return torch.exp(-4 * (similarity - 0.5) ** 2) + 0.1


def seeded():
    return torch.Generator().manual_seed(3)


def by_loops(z1, z2, *, mixed, temperature):
    """The definition, row by row, with the permutation that the generator gives."""
    u1, u2 = (torch.nn.functional.normalize(z) for z in (z1, z2))
    n = len(u1)
    mixed = min(mixed, n - 1)
    pair = torch.randperm(mixed, generator=seeded())
    losses = []
    for here, there in ((u1, u2), (u2, u1)):
        for i in range(n):
            others = [j for j in range(n) if j != i]
            cosines = {j: here[i] @ there[j] for j in others}
            hard = sorted(others, key=lambda j: -float(hardness(cosines[j].detach())))[:mixed]
            terms = [here[i] @ there[i], *cosines.values(), *(here[i] @ here[j] for j in others)]
            for a, b in zip(hard, [hard[k] for k in pair], strict=True):
                wa, wb = hardness(cosines[a].detach()), hardness(cosines[b].detach())
                terms.append((cosines[a] * wa + cosines[b] * wb) / (wa + wb))
            logits = torch.stack(terms) / temperature
            losses.append(logits.logsumexp(0) - logits[0])
    return torch.stack(losses).mean()


@pytest.mark.parametrize(("n", "mixed"), [(7, 3), (12, 5), (5, 100)])
@pytest.mark.parametrize("block_rows", [None, 3])
def test_is_the_definition(views, n, mixed, block_rows):
    z1, z2 = views(n)
    loss = mixed_infonce(
        z1, z2, hardness, mixed=mixed, temperature=0.4, generator=seeded(), block_rows=block_rows
    )
    expected = by_loops(z1, z2, mixed=mixed, temperature=0.4)
    torch.testing.assert_close(loss, expected)
    for ours, theirs in zip(
        torch.autograd.grad(loss, (z1, z2)), torch.autograd.grad(expected, (z1, z2)), strict=True
    ):
        torch.testing.assert_close(ours, theirs)


def test_adds_to_the_denominator(views):
    z1, z2 = views(20)
    plain = infonce(z1, z2, temperature=0.3)
    some, more = (
        mixed_infonce(z1, z2, hardness, mixed=m, temperature=0.3, generator=seeded())
        for m in (2, 19)
    )
    assert plain < some < more


def test_makes_no_square_tensor(views):
    z1, z2 = views(256, dtype=torch.float32)
    with LargestTensor() as largest:
        mixed_infonce(z1, z2, hardness, mixed=8, block_rows=16, generator=seeded()).backward()
    assert largest.numel == 16 * 256


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"mixed": 0}, "'mixed' must be an integer of at least 1 (got 0)"),
        ({"mixed": 2, "temperature": 0.0}, "'temperature' must be a positive number (got 0.0)"),
    ],
)
def test_refusals(views, options, sentence):
    with pytest.raises(ValueError) as error:
        mixed_infonce(*views(6), hardness, **options)
    assert str(error.value) == f"mixed_infonce: {sentence}"


@pytest.mark.parametrize(
    ("weight", "got"),
    [
        (torch.relu, "0.0"),
        (lambda s: torch.full_like(s, -2.0), "-2.0"),
        (lambda s: 1 / torch.relu(s), "inf"),
    ],
)
def test_refuses_weights_that_mix_nothing(weight, got):
    z = torch.tensor([[1.0, 0.0], [-1.0, 0.1], [-1.0, -0.1]])
    with pytest.raises(ValueError) as error:
        mixed_infonce(z, z.clone(), weight, mixed=2)
    assert str(error.value) == (
        "mixed_infonce: 'weight' must be at least 0 and finite, and positive for one of two "
        f"negatives that are mixed (got {got})"
    )


def test_a_weight_may_change_its_argument_and_be_of_any_dtype(views):
    z1, z2 = views(9, dtype=torch.float32)
    call = lambda weight: mixed_infonce(z1, z2, weight, mixed=4, generator=seeded())
    expected = call(torch.exp)
    assert torch.equal(call(torch.exp_), expected)
    wide = call(lambda s: s.double().exp())
    assert wide.dtype == torch.float32
    torch.testing.assert_close(wide, expected)


def test_refuses_a_weight_of_a_whole_block(views):
    with pytest.raises(ValueError) as error:
        mixed_infonce(*views(9), lambda s: s.exp().mean(), mixed=4)
    assert str(error.value) == (
        "mixed_infonce: 'weight' must be an element-wise function, so that its result is a tensor "
        "(9, 9) (got ())"
    )


def test_terms_next_to_zero_are_exact(agreeing_views, assert_relatively_exact):
    options = {"mixed": 4, "temperature": 0.05, "block_rows": 16}
    loss = lambda a, b: mixed_infonce(a, b, hardness, generator=seeded(), **options)
    assert_relatively_exact(loss, *agreeing_views(50))

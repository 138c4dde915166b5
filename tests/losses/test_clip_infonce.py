import math

import pytest
import torch
import torch.nn.functional as F

from gclkit.losses import clip_infonce, infonce


def test_is_the_cross_entropy_of_both_directions(views):
    z1, z2 = views(9)
    logits = F.normalize(z1) @ F.normalize(z2).T / 0.3
    own = torch.arange(9)
    expected = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
    torch.testing.assert_close(clip_infonce(z1, z2, temperature=0.3, block_rows=4), expected)


@pytest.mark.parametrize("n", [1, 2, 33])
def test_identical_embeddings_give_the_log_of_the_number_of_nodes(n):
    z = torch.ones(n, 3)
    assert clip_infonce(z, z).item() == pytest.approx(math.log(n), abs=1e-6)


def test_is_below_infonce_whose_denominator_holds_more(views):
    z1, z2 = views(20)
    assert clip_infonce(z1, z2) < infonce(z1, z2)


@pytest.mark.parametrize("temperature", [0.3, 0.01])
def test_gradcheck(views, temperature):
    assert torch.autograd.gradcheck(
        lambda a, b: clip_infonce(a, b, temperature=temperature, block_rows=4), views(7)
    )


def test_refuses_a_temperature_that_is_not_positive(views):
    with pytest.raises(ValueError) as error:
        clip_infonce(*views(3), temperature=0.0)
    assert str(error.value) == "clip_infonce: 'temperature' must be a positive number (got 0.0)"


def test_terms_next_to_zero_are_exact(agreeing_views, assert_relatively_exact):
    loss = lambda a, b: clip_infonce(a, b, temperature=0.05, block_rows=16)
    assert_relatively_exact(loss, *agreeing_views(50))
    assert loss(*(z.float() for z in agreeing_views(4))) > 0

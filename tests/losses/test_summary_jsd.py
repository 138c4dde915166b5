import math

import pytest
import torch
import torch.nn.functional as F

from gclkit.losses import summary_jsd


def test_is_the_binary_cross_entropy_of_dgi(views):
    z, corrupted = views(7)
    summary = torch.sigmoid(z.mean(dim=0, keepdim=True)).detach()
    scores = torch.cat([z @ summary[0], corrupted @ summary[0]])
    target = torch.cat([torch.ones(7), torch.zeros(7)]).double()
    expected = F.binary_cross_entropy_with_logits(scores, target)
    loss = summary_jsd(z, summary, corrupted=corrupted)
    torch.testing.assert_close(loss / 2 + math.log(2), expected)


def test_negatives_are_the_other_graphs(views):
    z, summary = views(7)[0], views(3, seed=4)[0]
    membership = torch.tensor([0, 0, 2, 1, 1, 1, 2])
    positive = torch.stack([F.softplus(-z[i] @ summary[g]) for i, g in enumerate(membership)])
    negative = torch.stack(
        [F.softplus(z[i] @ summary[g]) for i in range(7) for g in range(3) if g != membership[i]]
    )
    expected = positive.mean() + negative.mean() - 2 * math.log(2)
    loss = summary_jsd(z, summary, membership=membership, block_rows=2)
    torch.testing.assert_close(loss, expected)
    assert torch.autograd.gradcheck(
        lambda z, summary: summary_jsd(z, summary, membership=membership, block_rows=2),
        (z, summary),
    )


def test_gradient_reaches_every_input(views):
    z, corrupted = views(5)
    summary = views(1, seed=4)[0]
    assert torch.autograd.gradcheck(
        lambda z, c, s: summary_jsd(z, s, corrupted=c), (z, corrupted, summary)
    )


@pytest.mark.parametrize(
    "graphs, options, message",
    [
        (1, {}, "'summary' must be of two graphs or more without 'corrupted' (got 1)"),
        (2, {}, "'membership' must be given for 2 graphs (got None)"),
        (
            2,
            {"membership": torch.tensor([0, 1, 2])},
            "'membership' must be indices from 0 to 1 (got 2)",
        ),
        (
            2,
            {"membership": torch.tensor([0, 1])},
            "'membership' must be int64 of shape (3,) (got 'torch.int64 of shape (2,)')",
        ),
        (
            1,
            {"corrupted": torch.ones(2, 5)},
            "'corrupted' must be of the shape of 'z', (3, 5) (got (2, 5))",
        ),
    ],
)
def test_refuses_bad_input(graphs, options, message):
    with pytest.raises(ValueError) as error:
        summary_jsd(torch.ones(3, 5), torch.ones(graphs, 5), **options)
    assert str(error.value) == f"summary_jsd: {message}"


def test_large_scores_are_exact():
    z = torch.tensor([[-21.0]], dtype=torch.float64)
    loss = summary_jsd(z, torch.ones_like(z), corrupted=-z) + 2 * math.log(2)
    assert loss.item() == pytest.approx(2 * (21 + math.log1p(math.exp(-21))), rel=1e-14)


def test_refuses_a_summary_of_another_dtype(views):
    z, _ = views(4)
    with pytest.raises(ValueError) as error:
        summary_jsd(z, z[:1].float(), corrupted=z)
    assert str(error.value) == (
        "summary_jsd: 'summary' must be of the dtype of 'z', torch.float64 (got torch.float32)"
    )

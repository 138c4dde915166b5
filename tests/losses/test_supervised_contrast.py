import math

import pytest
import torch
import torch.nn.functional as F

from gclkit.losses import supervised_contrast
from gclkit.testing.measure import LargestTensor


def formula(z, pairs, tau):
    u, terms = F.normalize(z), []
    for i in range(len(z)):
        own = [j for a, j in pairs if a == i]
        if own:
            others = [j for j in range(len(z)) if j != i]
            total = (u[i] @ u[others].T / tau).logsumexp(dim=0)
            terms.append(torch.stack([total - u[i] @ u[j] / tau for j in own]).mean())
    return torch.stack(terms).mean()


LABELS = torch.tensor([0, 2, 0, -1, 2, 0, 5, -1])  # Class 5 has one member, -1 is unknown.
PAIRS = [(i, j) for i in range(8) for j in range(8) if i != j and LABELS[i] == LABELS[j] >= 0]


def test_labels_and_their_pairs_match_the_formula(views):
    z, _ = views(8)
    expected = formula(z, PAIRS, 0.3)
    options = {"temperature": 0.3, "block_rows": 3}
    torch.testing.assert_close(supervised_contrast(z, labels=LABELS, **options), expected)
    positives = torch.tensor(PAIRS).T
    torch.testing.assert_close(supervised_contrast(z, positives=positives, **options), expected)


def test_gradcheck(views):
    z, _ = views(8)
    assert torch.autograd.gradcheck(lambda z: supervised_contrast(z, labels=LABELS), (z,))


def test_collapsed_classes_have_the_known_value():
    z = torch.eye(3).repeat_interleave(4, dim=0)
    labels = torch.arange(3).repeat_interleave(4)
    expected = math.log(3 * math.exp(1 / 0.5) + 8) - 1 / 0.5
    loss = supervised_contrast(z, labels=labels, temperature=0.5)
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_unknown_labels_do_not_leak(views):
    # PyGCL's example hands the labels of test nodes to the loss (its #61).
    z, _ = views(8)
    hidden = LABELS.clone()
    hidden[4:] = -1
    loss = supervised_contrast(z, labels=hidden)
    other = hidden.clone()
    other[4:] = torch.tensor([-2, -9, -1, -3])
    torch.testing.assert_close(supervised_contrast(z, labels=other), loss)
    torch.testing.assert_close(loss, formula(z, [(0, 2), (2, 0)], 0.1))


def test_no_anchor_with_a_positive_gives_zero_with_a_graph(views):
    z, _ = views(5)
    loss = supervised_contrast(z, labels=torch.arange(5))
    loss.backward()
    assert loss.item() == 0 and z.grad.eq(0).all()


def test_never_lists_the_pairs_of_a_class(views):
    z, _ = views(1000, dtype=torch.float32)
    with LargestTensor() as largest:
        supervised_contrast(z, labels=torch.arange(1000) % 2, block_rows=128).backward()
    assert largest.numel == 128 * 128


@pytest.mark.parametrize(
    "options, message",
    [
        ({}, "'labels' must be given, or 'positives' instead of it (got 'neither')"),
        (
            {"labels": LABELS, "positives": torch.tensor([[0], [1]])},
            "'labels' must be given, or 'positives' instead of it (got 'both')",
        ),
        (
            {"labels": LABELS[:3]},
            "'labels' must be integers of shape (8,) (got 'torch.int64 of shape (3,)')",
        ),
        (
            {"positives": torch.tensor([[0], [0]])},
            "'positives' must be pairs of two different rows (got 'a row paired with itself')",
        ),
    ],
)
def test_refuses_bad_input(views, options, message):
    with pytest.raises(ValueError) as error:
        supervised_contrast(views(8)[0], **options)
    assert str(error.value) == f"supervised_contrast: {message}"


def test_refuses_a_single_row(views):
    with pytest.raises(ValueError) as error:
        supervised_contrast(views(1)[0], labels=torch.tensor([0]))
    assert str(error.value) == (
        "supervised_contrast: 'z' must be a matrix of at least 2 rows and one column (got (1, 5))"
    )


def test_terms_of_a_single_positive_are_exact(agreeing_views, assert_relatively_exact):
    z = torch.cat(agreeing_views(50)).detach()
    labels = torch.arange(50).repeat(2)
    labels[0] = labels[50] = -1
    twin = torch.arange(100).roll(50)
    for options in ({"labels": labels}, {"positives": torch.stack([torch.arange(100), twin])}):
        options |= {"temperature": 0.05, "block_rows": 32}
        assert_relatively_exact(lambda z, o=options: supervised_contrast(z, **o), z)


def test_two_rows_of_a_class_have_no_loss(views):
    z = views(2, dtype=torch.float32)[0]
    loss = supervised_contrast(z, labels=torch.tensor([4, 4]))
    loss.backward()
    assert loss.item() == 0 and z.grad.eq(0).all()

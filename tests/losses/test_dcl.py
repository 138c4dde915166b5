import pytest
import torch
import torch.nn.functional as F

from gclkit.losses import dcl, infonce


def one_way(a, b, tau):
    a, b = F.normalize(a), F.normalize(b)
    n = len(a)
    blocks = [a @ a.T / tau, a @ b.T / tau]
    off = ~torch.eye(n, dtype=torch.bool)
    negatives = torch.cat([block[off].view(n, n - 1) for block in blocks], dim=1)
    return negatives.logsumexp(dim=1) - blocks[1].diagonal()


@pytest.mark.parametrize("tau", [0.1, 0.5])
def test_matches_the_formula(views, tau):
    z1, z2 = views(9)
    expected = torch.cat([one_way(z1, z2, tau), one_way(z2, z1, tau)]).mean()
    torch.testing.assert_close(dcl(z1, z2, temperature=tau, block_rows=4), expected)


def test_softplus_of_an_anchor_is_its_infonce(views):
    z1, z2 = views(9)
    terms = F.softplus(torch.cat([one_way(z1, z2, 0.3), one_way(z2, z1, 0.3)]))
    torch.testing.assert_close(terms.mean(), infonce(z1, z2, temperature=0.3))


def test_gradcheck(views):
    assert torch.autograd.gradcheck(lambda a, b: dcl(a, b, block_rows=4), views(6))


def test_positives_are_averaged_and_leave_the_denominator(views):
    z1, z2 = views(6)
    positives = torch.tensor([[0, 0, 3], [0, 4, 1]])
    tau, terms = 0.4, []
    for a, b in ((z1, z2), (z2, z1)):
        a, b = F.normalize(a), F.normalize(b)
        for i, own in ((0, [0, 4]), (3, [1])):
            inside = [a[i] @ a[j] / tau for j in range(6) if j != i]
            across = [a[i] @ b[j] / tau for j in range(6) if j not in own]
            positive = torch.stack([a[i] @ b[j] / tau for j in own]).mean()
            terms.append(torch.stack(inside + across).logsumexp(dim=0) - positive)
    loss = dcl(z1, z2, temperature=tau, positives=positives)
    torch.testing.assert_close(loss, torch.stack(terms).mean())
    positives = torch.tensor([[2] * 6, range(6)])  # All of the other view: its own view is left.
    a, b = F.normalize(z1), F.normalize(z2)
    negatives = [
        (x[2] @ x[[0, 1, 3, 4, 5]].T / tau).logsumexp(dim=0) - (x[2] @ y.T / tau).mean()
        for x, y in ((a, b), (b, a))
    ]
    loss = dcl(z1, z2, temperature=tau, positives=positives)
    torch.testing.assert_close(loss, torch.stack(negatives).mean())
    nothing = dcl(z1, z2, positives=torch.empty(2, 0, dtype=torch.int64))
    assert nothing.item() == 0 and nothing.requires_grad


def test_refuses_bad_input(views):
    with pytest.raises(ValueError) as error:
        dcl(*views(3), positives=torch.tensor([[0], [-1]]))
    assert str(error.value) == "dcl: 'positives' must be indices from 0 to 2 (got -1)"

import torch
import torch.nn.functional as F

from gclkit.losses.negatives import negatives_logsumexp


def views(n=6):
    generator = torch.Generator().manual_seed(0)
    return [
        F.normalize(torch.randn(n, 4, generator=generator, dtype=torch.float64), dim=1)
        for _ in range(2)
    ]


def by_loops(u1, u2, scale, left_out):
    rows = [*u1, *u2]
    n = len(u1)
    out = []
    for i, row in enumerate(rows):
        terms = [
            (scale * row @ other).exp()
            for j, other in enumerate(rows)
            if i != j and (i, j) not in left_out and (j, i) not in left_out
        ]
        assert len(terms) >= 2 * (n - 2)
        out.append(torch.stack(terms).sum().log())
    return torch.stack(out)


def test_leaves_out_the_own_positive():
    u1, u2 = views()
    own = {(i, i + 6) for i in range(6)}
    torch.testing.assert_close(negatives_logsumexp(u1, u2, 2.5), by_loops(u1, u2, 2.5, own))


def test_leaves_out_given_positives_in_both_directions():
    u1, u2 = views()
    pairs = torch.tensor([[0, 3, 5], [1, 3, 2]])
    left_out = {(0, 7), (6, 1), (3, 9), (5, 8), (11, 2)}
    out = negatives_logsumexp(u1, u2, 1.5, positives=pairs)
    torch.testing.assert_close(out, by_loops(u1, u2, 1.5, left_out))

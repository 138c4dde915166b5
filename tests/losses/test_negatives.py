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


def test_leaves_out_the_own_positive_at_every_scale():
    u1, u2 = views()
    own = {(i, i + 6) for i in range(6)}
    for out, scale in zip(negatives_logsumexp("f", u1, u2, 2.5, 0.7), (2.5, 0.7), strict=True):
        torch.testing.assert_close(out, by_loops(u1, u2, scale, own))

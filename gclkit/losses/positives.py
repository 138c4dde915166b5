"""Several positives per anchor, given as a sparse set of pairs."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.checks import check_tensor, reject
from gclkit.ops.pairs import as_pairs


def check_positives(owner: str, positives: Tensor, num_nodes: int) -> Int[Tensor, "2 p"]:
    """Returns distinct ``(anchor, positive)`` pairs, else raises a ``ValueError``."""
    check_tensor(owner, "positives", positives)
    if positives.dim() != 2 or positives.size(0) != 2 or positives.dtype != torch.int64:
        rule = "pairs (anchor, positive), int64 of shape (2, p)"
        reject(owner, "positives", rule, f"{positives.dtype} of shape {tuple(positives.shape)}")
    return as_pairs(owner, "positives", positives, num_nodes, num_nodes)


def positive_counts(positives: Int[Tensor, "2 p"], num_nodes: int) -> Int[Tensor, " n"]:
    """Returns the number of positives of each anchor."""
    return torch.bincount(positives[0], minlength=num_nodes)


def sole_positives(positives: Int[Tensor, "2 p"], num_nodes: int) -> Int[Tensor, " n"]:
    """Returns the positive of each anchor where both have no other one, else -1.

    A term of a single positive is exact if its denominator is summed up without it; these pairs
    are a symmetric set, which :func:`gclkit.ops.self_logsumexp` can leave out.
    """
    row, key = positives
    alone = positive_counts(positives, num_nodes)[row] == 1
    partner = torch.full((num_nodes,), -1, device=row.device)
    partner[row[alone]] = key[alone]
    mutual = partner[partner] == torch.arange(num_nodes, device=row.device)
    return torch.where(mutual & (partner >= 0), partner, -1)


def partner_pairs(partner: Int[Tensor, " n"]) -> Int[Tensor, "2 p"]:
    """Returns the pairs ``(row, partner)`` of the rows that have one."""
    rows = torch.arange(partner.numel(), device=partner.device)
    return torch.stack([rows, partner])[:, partner >= 0]


def mean_over_positives(
    positives: Int[Tensor, "2 p"], rows: Float[Tensor, "n d"]
) -> Float[Tensor, "n d"]:
    """Returns the mean row of each anchor's positives; zero for an anchor without any.

    A sparse product: memory for pairs and rows, never for pairs times width.
    """
    n = rows.size(0)
    share = 1.0 / positive_counts(positives, n)[positives[0]].to(rows.dtype)
    pattern = torch.sparse_coo_tensor(positives, share, (n, n), check_invariants=False)
    return torch.sparse.mm(pattern, rows)


def mean_positive(
    positives: Int[Tensor, "2 p"],
    u1: Float[Tensor, "n d"],
    u2: Float[Tensor, "n d"],
    key_bias: Float[Tensor, " n"] | None,
) -> tuple[Float[Tensor, "2*n d"], Float[Tensor, " 2*n"] | None]:
    """Returns the mean positive of each row of the stacked views, and its mean bias."""
    target = torch.cat([mean_over_positives(positives, u) for u in (u2, u1)])
    if key_bias is None:
        return target, None
    bias = mean_over_positives(positives, key_bias[:, None].to(u1.dtype))[:, 0]
    return target, torch.cat([bias, bias])

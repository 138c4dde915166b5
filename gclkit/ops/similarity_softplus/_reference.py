"""The definition: short enough to be checked against the paper by eye."""

from __future__ import annotations

import torch
from torch import Tensor


def forward(
    queries: Tensor,
    keys: Tensor,
    scale: Tensor,
    exclude: Tensor | None,
    operand: torch.dtype,
) -> Tensor:
    """Returns the row-wise sums of softplus by their definition; holds the whole matrix."""
    logits = scale * (queries.to(operand) @ keys.to(operand).T).to(queries.dtype)
    terms = torch.logaddexp(logits, torch.zeros_like(logits))
    if exclude is not None:
        left_out = torch.zeros_like(terms, dtype=torch.bool)
        left_out[exclude[0], exclude[1]] = True
        terms = terms.masked_fill(left_out, 0.0)
    return terms.sum(dim=1)

"""The definition: short enough to be checked against the paper by eye."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def forward(
    queries: Tensor,
    keys: Tensor,
    scale: Tensor,
    key_bias: Tensor | None,
    exclude: Tensor | None,
    weight: Callable[[Tensor], Tensor] | None,
    operand: torch.dtype,
) -> Tensor:
    """Returns the row-wise log-sum-exp by its definition; holds the whole matrix."""
    similarity = (queries.to(operand) @ keys.to(operand).T).to(queries.dtype)
    logits = scale * similarity
    if key_bias is not None:
        logits = logits + key_bias
    if weight is not None:
        with torch.no_grad():  # Of a copy, which the function may change or return.
            factor = weight(similarity.clone()).log()
        logits = logits + factor
    if exclude is not None:
        left_out = torch.zeros_like(logits, dtype=torch.bool)
        left_out[exclude[0], exclude[1]] = True
        logits = logits.masked_fill(left_out, -torch.inf)
    return logits.logsumexp(dim=1)

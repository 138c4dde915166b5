"""Assertions about numbers whose tolerance comes from the data."""

from __future__ import annotations

import torch
from torch import Tensor


def assert_as_accurate_as(
    candidate: Tensor, rival: Tensor, truth: Tensor, *, slack: float = 4.0
) -> None:
    """Asserts that ``candidate`` misses the fp64 ``truth`` by at most ``slack`` times ``rival``.

    The budget comes from the data, not from a hand-set ``rtol``: it grows with the
    rounding error of the same formula evaluated plainly in the same dtype.

    Args:
        candidate: What is tested.
        rival: The plain formula in the dtype of ``candidate``. Where it overflows or cancels
            to NaN, a finite candidate is the more accurate one.
        truth: The plain formula in fp64.
        slack: How many times worse than the rival the candidate may be.

    Raises:
        AssertionError: If it misses by more, or is not finite.
    """
    assert truth.dtype == torch.float64, f"the truth must be float64 (got {truth.dtype})"
    assert candidate.shape == truth.shape, f"shape {candidate.shape}, the truth {truth.shape}"
    assert torch.isfinite(candidate).all(), "the candidate has non-finite entries"
    rounding = torch.finfo(candidate.dtype).eps * truth.abs().max()
    missed = (rival.double() - truth).abs().nan_to_num(nan=torch.inf, posinf=torch.inf).max()
    budget = slack * (missed + rounding)
    error = (candidate.double() - truth).abs().max()
    assert error <= budget, f"error {error:.2e} exceeds the budget {budget:.2e}"

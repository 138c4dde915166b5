"""Statistics of the columns of an embedding matrix, behind the negative-free losses."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def widen(z: Tensor) -> Tensor:
    """Returns ``z`` in fp32, or in fp64 where it is fp64."""
    return z if z.dtype == torch.float64 else z.float()


def standardize(z: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Returns the columns with mean 0 and deviation 1 (of the sample, n - 1).

    A constant column becomes 0, with a zero gradient, instead of NaN.
    """
    centered = z - z.mean(dim=0)
    variance = centered.square().sum(dim=0) / (z.size(0) - 1)
    # Guards the branch that torch.where discards: sqrt has no derivative at 0.
    positive = torch.where(variance > 0, variance, 1.0)
    return torch.where(variance > 0, centered / positive.sqrt(), 0.0)


def off_diagonal_square(matrix: Float[Tensor, "d d"]) -> Float[Tensor, ""]:
    """Returns the sum of squares of the entries beside the diagonal."""
    return (matrix - torch.diag(matrix.diagonal())).square().sum()

"""Statistics of the columns of an embedding matrix, behind the negative-free losses."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

# A column whose entries differ by less, relative to the largest, in units of the last place.
ROUNDING = 8.0


def standardize(z: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Returns the columns with mean 0 and deviation 1 (of the sample, n - 1).

    A column that is constant up to rounding becomes 0, with a zero gradient, instead of NaN or
    of what rounding leaves of it.
    """
    with torch.no_grad():
        low, high = z.aminmax(dim=0)
        largest = torch.maximum(high, -low)
        varies = high - low > ROUNDING * torch.finfo(z.dtype).eps * largest
        # A power of two near the largest entry: squares stay in range, and no bit is lost.
        power = torch.where(varies, largest / (2 * torch.frexp(largest).mantissa), 1.0)
    z = z / power
    centered = z - z.mean(dim=0)
    variance = centered.square().sum(dim=0) / (z.size(0) - 1)
    # Guards the branch that torch.where discards: sqrt has no derivative at 0.
    positive = torch.where(varies, variance, 1.0)
    return torch.where(varies, centered / positive.sqrt(), 0.0)


def off_diagonal_square(matrix: Float[Tensor, "d d"]) -> Float[Tensor, ""]:
    """Returns the sum of squares of the entries beside the diagonal."""
    return (matrix - torch.diag(matrix.diagonal())).square().sum()

"""What every two-view loss asks of its views, and unit rows."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gclkit.checks import check_finite, check_same_shape, reject


def check_views(owner: str, z1: Tensor, z2: Tensor, *, at_least: int = 1) -> None:
    """Raises a ``ValueError`` unless two views are matrices of one shape, dtype and device.

    Args:
        owner: Name of the function that was called, for the message.
        z1: Embeddings of the first view, ``[n, d]``.
        z2: Embeddings of the second view, row by row of the same nodes.
        at_least: Least number of rows.
    """
    check_matrix(owner, "z1", z1, at_least=at_least)
    check_matrix(owner, "z2", z2, at_least=at_least)
    check_same_shape(owner, "z2", z2, "z1", z1)
    if z1.dtype != z2.dtype:
        reject(owner, "z2", f"of the dtype of 'z1', {z1.dtype}", z2.dtype)
    if z1.device != z2.device:
        reject(owner, "z2", f"on the device of 'z1', {z1.device}", z2.device)


def check_matrix(owner: str, name: str, z: Tensor, *, at_least: int = 1) -> None:
    """Raises a ``ValueError`` unless ``z`` is a finite floating point matrix with rows."""
    if z.dim() != 2 or z.size(0) < at_least or z.size(1) == 0:
        rows = "one row" if at_least == 1 else f"{at_least} rows"
        reject(owner, name, f"a matrix of at least {rows} and one column", tuple(z.shape))
    if not z.is_floating_point():
        reject(owner, name, "of a floating point dtype", z.dtype)
    check_finite(owner, name, z)


def unit_rows(owner: str, name: str, z: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Returns the rows divided by their Euclidean norms, in fp32 (fp64 for fp64 inputs).

    The largest entry is taken out first, so that neither tiny nor huge rows leave the range.

    Raises:
        ValueError: If a row is zero, which has no direction.
    """
    z = z if z.dtype == torch.float64 else z.float()
    size = z.detach().abs().amax(dim=1, keepdim=True)
    if bool((size == 0).any()):
        row = int((size[:, 0] == 0).nonzero()[0])
        reject(owner, name, "free of zero rows, which have no direction", f"row {row}")
    z = z / size
    return z / z.norm(dim=1, keepdim=True)

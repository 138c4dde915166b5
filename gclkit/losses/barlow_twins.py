from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gclkit.checks import check_non_negative
from gclkit.losses.columns import off_diagonal_square, standardize
from gclkit.losses.views import check_views
from gclkit.ops.full_precision import full_precision
from gclkit.ops.inputs import widen


@full_precision
def barlow_twins(
    z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"], *, weight: float | None = None
) -> Float[Tensor, ""]:
    r"""Barlow Twins (`arXiv:2103.03230 <https://arxiv.org/abs/2103.03230>`_, Eq. 1), on node
    embeddings Graph Barlow Twins (`arXiv:2106.02466 <https://arxiv.org/abs/2106.02466>`_).

    .. math::
        \mathcal{L} = \sum_a (1 - C_{aa})^2 + \lambda \sum_{a \ne b} C_{ab}^2

    with the cross-correlation :math:`C` of the columns of both views. Linear in the nodes.

    Args:
        z1: Embeddings of the first view, two rows or more. A constant column correlates with
            nothing.
        z2: Embeddings of the second view, row by row of the same nodes.
        weight: Coefficient :math:`\lambda \ge 0`. (default: :math:`1/d`, as in GBT)

    Returns:
        A scalar in fp32 (fp64 for fp64 inputs).

    Raises:
        ValueError: If the views differ in shape, have fewer than two rows, or are not finite.
    """
    check_views("barlow_twins", z1, z2, at_least=2)
    if weight is None:
        weight = 1.0 / z1.size(1)
    weight = check_non_negative("barlow_twins", "weight", weight)
    first, second = standardize(widen(z1)), standardize(widen(z2))
    correlation = first.T @ second / (z1.size(0) - 1)
    agreement = (1.0 - correlation.diagonal()).square().sum()
    return agreement + weight * off_diagonal_square(correlation)


class BarlowTwins(torch.nn.Module):
    """The settings of :func:`barlow_twins`.

    Args:
        weight: As in :func:`barlow_twins`.
    """

    def __init__(self, *, weight: float | None = None) -> None:
        super().__init__()
        if weight is not None:
            check_non_negative("BarlowTwins", "weight", weight)
        self.weight = weight

    def forward(self, z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
        return barlow_twins(z1, z2, weight=self.weight)

    def extra_repr(self) -> str:
        return f"weight={self.weight}"

"""How many dimensions embeddings use."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gclkit.evaluators.inputs import check_embeddings


def covariance_spectrum(z: Float[Tensor, "n d"]) -> Float[Tensor, " d"]:
    """Eigenvalues of the covariance (divided by n) of the columns, descending, fp64, at least 0."""
    z = check_embeddings("covariance_spectrum", z).double()
    centered = z - z.mean(dim=0)
    return torch.linalg.eigvalsh(centered.T @ centered / len(z)).flip(0).clamp(min=0)


def effective_rank(z: Float[Tensor, "n d"]) -> float:
    r"""Exponential of the entropy of the normalised singular values (Roy & Vetterli 2007).

    :math:`\exp(-\sum_k p_k \ln p_k)` with :math:`p_k = \sigma_k / \sum_j \sigma_j`, the singular
    values of the centered embeddings; from 1 to d, and 0 if all rows are equal.
    """
    return rank_of_spectrum(covariance_spectrum(z))


def rank_of_spectrum(eigenvalues: Float[Tensor, " d"]) -> float:
    """:func:`effective_rank` of embeddings whose covariance has these eigenvalues."""
    top = eigenvalues.max()
    if float(top) == 0:
        return 0.0
    # Below this the eigenvalues are rounding errors, whose roots would count as dimensions.
    floor = top * len(eigenvalues) * torch.finfo(torch.float32).eps ** 2
    singular = eigenvalues.masked_fill(eigenvalues < floor, 0.0).sqrt()
    share = singular / singular.sum()
    return float(torch.exp(-torch.special.xlogy(share, share).sum()))

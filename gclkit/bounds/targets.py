"""The direction along which a node's compactness is measured."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.checks import check_floats, reject


def target_vectors(
    z: Float[Tensor, "n d"], *, nodes: Int[Tensor, " t"] | None = None
) -> Float[Tensor, "t d"]:
    r"""Own positive minus the mean of the others:
    :math:`T_i = \hat z_i \frac{n}{n-1} - \frac{1}{n-1} \sum_j \hat z_j`.

    So :math:`T_i \cdot z' = \hat z_i \cdot z' - \mathrm{mean}_{j \ne i}\, \hat z_j \cdot z'`
    (POT, `arXiv:2309.13944 <https://arxiv.org/abs/2309.13944>`_), and the rows over all nodes
    sum to zero.

    Args:
        z: Embeddings of the other view, normalised here; a zero row stays zero, with no gradient.
        nodes: Rows wanted; the mean is over all nodes either way. (default: all)

    Raises:
        ValueError: If there is one node only: it has no others.
    """
    n = len(check_floats("target_vectors", "z", z))
    if n < 2:
        reject("target_vectors", "z", "of at least 2 nodes", n)
    norm = z.norm(dim=-1, keepdim=True)
    # Not by a small number: its inverse would be the gradient at a zero row.
    z = z / norm.masked_fill(norm == 0, torch.inf)
    total = z.sum(dim=0)
    return ((z if nodes is None else z[nodes]) * n - total) / (n - 1)

"""The leading eigenvectors of a large adjacency, where Lanczos' iteration takes too long."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gclkit.checks import reject

_DEGREE = 30  # Of the filter; at 49 it could leave the range of float32 in the first step.


def leading_eigenvectors(
    adjacency: Float[Tensor, "n n"],
    dim: int,
    *,
    tolerance: float = 1e-3,
    max_steps: int = 30,
    seed: int = 0,
) -> tuple[Float[Tensor, " d"], Float[Tensor, "n d"]]:
    r"""The largest eigenvalues, descending, and their vectors by filtered subspace iteration.

    .. math::
        Q \gets \operatorname{qr}\bigl(T_{30}\bigl((2 \hat A - (c - 1) I) / (c + 1)\bigr) Q\bigr)

    The Chebyshev polynomial stays in [-1, 1] on [-1, c] and grows as fast as any beyond; c is the
    smallest Ritz value in the span of Q, which is a quarter wider than ``dim`` ("Self-consistent-
    field calculations using Chebyshev-filtered subspace iteration", Zhou et al. 2006). Unlike
    Lanczos' iteration it finds equal eigenvalues, such as those of components, and it multiplies
    by blocks. Products are in float32; memory is that of eight blocks of n rows.

    Args:
        adjacency: Symmetric CSR matrix with eigenvalues in [-1, 1].
        dim: Number of eigenvectors d.
        tolerance: Of the residual :math:`\lVert \hat A v - \lambda v \rVert` of each of them.
            Eigenvalues nearer to each other than that are not told apart.
        max_steps: Filters before it gives up.
        seed: Of the random block at the start.

    Raises:
        ValueError: If a residual is larger than ``tolerance`` after ``max_steps``.
    """
    adjacency = adjacency.float()
    n = adjacency.size(0)
    generator = torch.Generator().manual_seed(seed)
    block = torch.randn(n, min(n, dim + dim // 4 + 8), generator=generator)
    block, cut = block.to(adjacency.device), 0.0
    for _ in range(max_steps):
        block = _filter(adjacency, block, cut)
        # In double: vectors of small components stand on few nodes, and float32 loses their norms.
        block = torch.linalg.qr((block / block.abs().amax(dim=0)).double()).Q.float()
        # Ritz vectors: the eigenvectors of the matrix within the span of the block.
        product = adjacency @ block
        values, rotation = torch.linalg.eigh((block.T @ product).double())
        values, rotation = values.flip(0).float(), rotation.flip(1).float()
        block, product = block @ rotation, product @ rotation
        worst = float((product - block * values).norm(dim=0)[:dim].amax())
        if worst <= tolerance:
            return values[:dim], block[:, :dim]
        cut = float(values[-1])
    rule = f"so few that {max_steps} steps find them with residuals of at most {tolerance:g}"
    reject("spectral_embedding", "dim", rule, f"{dim}, a residual of {worst:.2g}")


def _filter(adjacency: Tensor, block: Tensor, cut: float) -> Tensor:
    """The Chebyshev polynomial of the matrix times the block, by the three-term recurrence."""
    half, middle = (cut + 1) / 2, (cut - 1) / 2
    last, block = block, (adjacency @ block).sub_(block, alpha=middle).div_(half)
    for _ in range(_DEGREE - 1):
        following = torch.addmm(last, adjacency, block, beta=-1, alpha=2 / half)
        following.sub_(block, alpha=2 * middle / half)
        last, block = block, following
    return block

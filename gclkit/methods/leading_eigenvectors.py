"""The leading eigenvectors of a normalised adjacency."""

from __future__ import annotations

import warnings

import numpy as np
from jaxtyping import Float
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import ArpackNoConvergence, eigsh, lobpcg
from torch import Tensor

from gclkit.checks import reject

_LANCZOS_NODES = 20_000  # Above, the many close eigenvalues would take it hours.
_STEPS = 60


def leading_eigenvectors(
    adjacency: Float[Tensor, "n n"], dim: int, *, seed: int = 0, tolerance: float = 2e-3
) -> tuple[np.ndarray, np.ndarray]:
    r"""The largest eigenvalues [d], in any order, and their vectors [n d].

    All of a dense matrix where the graph is small; by Lanczos' iteration up to 20,000 nodes;
    beyond, approximately, by LOBPCG ("Toward the Optimal Preconditioned Eigensolver", Knyazev
    2001) in fp32, whose block, a quarter wider than asked for, finds equal eigenvalues too, such
    as those of components.

    Args:
        adjacency: Symmetric CSR matrix with eigenvalues in [-1, 1].
        dim: Number of eigenvectors d, below n.
        seed: Of the start of the iteration.
        tolerance: Largest residual :math:`\lVert \hat A v - \lambda v \rVert` beyond 20,000 nodes.
            Eigenvalues nearer to each other are not told apart.

    Raises:
        ValueError: If a residual is larger after 60 steps.
    """
    n = adjacency.size(0)
    parts = (adjacency.values(), adjacency.col_indices(), adjacency.crow_indices())
    matrix = csr_matrix(tuple(part.cpu().numpy() for part in parts), shape=(n, n))
    if n <= max(500, 3 * dim):  # The whole spectrum is cheaper and never fails.
        values, vectors = np.linalg.eigh(matrix.toarray())
        return values[-dim:], vectors[:, -dim:]
    random = np.random.default_rng(seed)
    if n <= _LANCZOS_NODES:
        try:
            return eigsh(matrix, k=dim, which="LA", v0=random.normal(size=n), tol=1e-6)
        except ArpackNoConvergence as stop:  # Keeps those that are found.
            return stop.eigenvalues, stop.eigenvectors
    matrix = matrix.astype(np.float32)
    block = random.normal(size=(n, dim + dim // 4 + 8)).astype(np.float32)
    with warnings.catch_warnings():  # It asks as much of the vectors that are only company.
        warnings.simplefilter("ignore", UserWarning)
        values, vectors = lobpcg(matrix, block, largest=True, tol=tolerance / 2, maxiter=_STEPS)
    values, vectors = values[:dim], vectors[:, :dim]
    residual = np.linalg.norm(matrix @ vectors - vectors * values, axis=0).max()
    if not residual <= tolerance:
        rule = f"a number of eigenvectors that {_STEPS} steps find to {tolerance:g}"
        reject("spectral_embedding", "dim", rule, f"{dim}, found to {residual:.2g}")
    return values, vectors

"""k-means with all restarts in one tensor program."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.checks import check_count, check_positive, reject
from gclkit.evaluators.inputs import check_embeddings

_BLOCK = 2**22  # Distances held at once.


class KMeansFit(NamedTuple):
    """The best of the restarts of :func:`kmeans`."""

    labels: Int[Tensor, " n"]
    centers: Float[Tensor, "k d"]
    inertia: float  # Sum of squared distances to the nearest center.
    iterations: int


def kmeans(
    x: Float[Tensor, "n d"],
    num_clusters: int,
    *,
    restarts: int = 10,
    max_iter: int = 300,
    tolerance: float = 1e-4,
    seed: int = 0,
) -> KMeansFit:
    r"""Minimises :math:`\sum_i \min_k \lVert x_i - \mu_k \rVert^2` by Lloyd's iteration.

    Each restart begins with greedy k-means++ (Arthur & Vassilvitskii 2007; of
    :math:`2 + \ln k` candidates the one that lowers the potential most, as in scikit-learn).
    A cluster that loses all its points takes the point that is farthest from its center.
    Memory is :math:`O(nd)` and one block of distances.

    Args:
        x: Points, two or more, finite.
        num_clusters: Number of clusters, from 1 to the number of points.
        restarts: Starts; the one with the smallest inertia wins.
        max_iter: Iteration limit of each start.
        tolerance: A start is done when its centers move by less than this share of the mean
            variance of the columns (sum of squares), or when no point changes its cluster.
        seed: Of the starts.

    Raises:
        ValueError: If there are more clusters than points, or ``x`` is not finite.
    """
    x = check_embeddings("kmeans", x)
    n, d = x.shape
    check_count("kmeans", "num_clusters", num_clusters)
    check_count("kmeans", "restarts", restarts)
    check_count("kmeans", "max_iter", max_iter)
    check_positive("kmeans", "tolerance", tolerance)
    if num_clusters > n:
        reject("kmeans", "num_clusters", f"at most {n}, the number of points", num_clusters)
    mean = x.mean(dim=0)
    x = x - mean  # Distances are differences of products, which lose digits far from the origin.
    generator = torch.Generator(x.device).manual_seed(seed)
    limit = tolerance * float(x.square().sum()) / (n * d)

    centers = _plus_plus(x, num_clusters, restarts, generator)
    best: KMeansFit | None = None
    labels = torch.full((restarts, n), -1, device=x.device)
    iteration = 0
    while len(centers):
        iteration += 1
        new_labels, distances, sums, counts = _assign(x, centers)
        _refill(x, new_labels, distances, sums, counts)
        moved = sums / counts.unsqueeze(-1) - centers
        centers = centers + moved
        same = (new_labels == labels).all(dim=1)
        done = same | (moved.square().sum(dim=(1, 2)) <= limit) | (iteration >= max_iter)
        labels = new_labels
        if bool(done.any()):
            # Labels belong to the final centers, so that both describe one solution.
            final, distances, _, _ = _assign(x, centers[done])
            inertia = distances.sum(dim=1, dtype=torch.float64)
            winner = int(inertia.argmin())
            if best is None or float(inertia[winner]) < best.inertia:
                best = KMeansFit(
                    final[winner], centers[done][winner] + mean, float(inertia[winner]), iteration
                )
            centers, labels = centers[~done], labels[~done]
    assert best is not None  # There is at least one restart, and each one ends.
    return best


def _assign(x: Tensor, centers: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Nearest center and squared distance [r n]; sums [r k d] and sizes [r k] of the clusters."""
    r, k, d = centers.shape
    flat = centers.reshape(r * k, d)
    half = 0.5 * flat.square().sum(dim=1)
    sums, counts = torch.zeros_like(flat), flat.new_zeros(r * k)
    offset = k * torch.arange(r, device=x.device)
    nearest, distances = [], []
    for rows in x.split(max(1, _BLOCK // (r * k))):
        # Half the squared distance less half the squared norm of the row: the same order.
        score = torch.addmm(half, rows, flat.T, alpha=-1).view(-1, r, k)
        least, label = score.min(dim=2)
        member = torch.zeros(len(rows), r * k, dtype=x.dtype, device=x.device)
        member.scatter_(1, label + offset, 1.0)
        sums.addmm_(member.T, rows)
        counts += member.sum(dim=0)
        nearest.append(label)
        distances.append((2 * least + rows.square().sum(dim=1, keepdim=True)).clamp_(min=0))
    return (
        torch.cat(nearest).T,
        torch.cat(distances).T,
        sums.view(r, k, d),
        counts.view(r, k),
    )


def _refill(x: Tensor, labels: Tensor, distances: Tensor, sums: Tensor, counts: Tensor) -> None:
    """Gives each empty cluster the farthest point that does not empty another, in place."""
    for restart, cluster in (counts == 0).nonzero().tolist():
        sizes = counts[restart]
        spare = sizes[labels[restart]] > 1
        point = int(torch.where(spare, distances[restart], -1.0).argmax())
        donor = int(labels[restart, point])
        sums[restart, donor] -= x[point]
        counts[restart, donor] -= 1
        sums[restart, cluster] = x[point]
        counts[restart, cluster] = 1
        labels[restart, point] = cluster
        distances[restart, point] = 0


def _plus_plus(x: Tensor, k: int, restarts: int, generator: torch.Generator) -> Tensor:
    n, d = x.shape
    trials = 2 + int(math.log(k))
    norms = x.square().sum(dim=1)
    first = torch.randint(n, (restarts,), generator=generator, device=x.device)
    centers = x.new_empty(restarts, k, d)
    centers[:, 0] = x[first]
    potential = _distances(x, norms, first)  # [r n]
    rank = torch.arange(restarts, device=x.device)
    for cluster in range(1, k):
        mass = potential.double().cumsum(dim=1)
        total = mass[:, -1:]
        draw = torch.rand(restarts, trials, generator=generator, device=x.device).double()
        candidates = torch.searchsorted(mass, draw * total).clamp(max=n - 1)
        reduced = _distances(x, norms, candidates.flatten()).view(restarts, trials, n)
        reduced = torch.minimum(reduced, potential.unsqueeze(1))
        winner = reduced.sum(dim=2, dtype=torch.float64).argmin(dim=1)
        potential = reduced[rank, winner]
        centers[:, cluster] = x[candidates[rank, winner]]
    return centers


def _distances(x: Tensor, norms: Tensor, points: Tensor) -> Tensor:
    """Squared distances of some points to all points, [p n]."""
    product = x[points] @ x.T
    return (norms[points].unsqueeze(1) + norms - 2 * product).clamp_(min=0)

"""k-means with all restarts in one tensor program."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.checks import check_count, check_positive, reject
from gclkit.evaluators.inputs import check_embeddings

_BLOCK = 2**22  # Distances held at once.
_SAMPLE = 2**15  # Points on which starts run first, or more of them for many clusters.
_PER_CLUSTER = 256
_FINALISTS = 3


class KMeansFit(NamedTuple):
    """The best of the restarts of :func:`kmeans`."""

    labels: Int[Tensor, " n"]
    centers: Float[Tensor, "k d"]
    inertia: float  # Sum of squared distances to the nearest center.
    iterations: int  # Of the best start, on all points.


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
    Of more than 32,768 points, and more than 256 per cluster, the iteration runs on a random
    sample of so many (:func:`sample_size`) and on the centers that all points gave the starts;
    the three that are best for all points go on with all. Memory is :math:`O(nd)` and one block
    of distances.

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

    norms = x.square().sum(dim=1)
    centers = _plus_plus(x, norms, num_clusters, restarts, generator)
    if (size := sample_size(n, num_clusters)) < n:
        drawn = torch.randperm(n, generator=generator, device=x.device)[:size]
        # The first centers belong to it: few points far from all others are no cluster without.
        part = torch.cat([x[drawn], centers.flatten(0, 1)])
        ends = _lloyd(part, part.square().sum(dim=1), centers, max_iter, limit)
        centers = torch.stack([end.centers for end in ends])
        inertia = _nearest(x, norms, centers)[1].sum(dim=1, dtype=torch.float64)
        centers = centers[inertia.argsort()[:_FINALISTS]]
    fit = min(_lloyd(x, norms, centers, max_iter, limit), key=lambda fit: fit.inertia)
    return fit._replace(centers=fit.centers + mean)


def sample_size(num_points: int, num_clusters: int) -> int:
    """How many of the points each start of :func:`kmeans` runs on at first."""
    return min(num_points, max(_SAMPLE, _PER_CLUSTER * num_clusters))


def _lloyd(
    x: Tensor, norms: Tensor, centers: Tensor, max_iter: int, limit: float
) -> list[KMeansFit]:
    """What Lloyd's iteration makes of several sets of centers [r k d], in the order they end."""
    ends: list[KMeansFit] = []
    labels = torch.full((len(centers), len(x)), -1, device=x.device)
    iteration = 0
    while len(centers):
        iteration += 1
        new_labels, distances = _nearest(x, norms, centers)
        sums, counts = _sums(x, new_labels, centers.size(1))
        _refill(x, new_labels, distances, sums, counts)
        moved = sums / counts.unsqueeze(-1) - centers
        centers = centers + moved
        same = (new_labels == labels).all(dim=1)
        done = same | (moved.square().sum(dim=(1, 2)) <= limit) | (iteration >= max_iter)
        labels = new_labels
        if bool(done.any()):
            # Labels belong to the final centers, so that both describe one solution.
            final, distances = _nearest(x, norms, centers[done])
            inertia = distances.sum(dim=1, dtype=torch.float64).tolist()
            ends += map(KMeansFit, final, centers[done], inertia, itertools.repeat(iteration))
            centers, labels = centers[~done], labels[~done]
    return ends


def _nearest(x: Tensor, norms: Tensor, centers: Tensor) -> tuple[Tensor, Tensor]:
    """Nearest center and squared distance [r n]; ``norms`` are the squared ones of the rows."""
    r, k, d = centers.shape
    flat = centers.reshape(r * k, d)
    half = 0.5 * flat.square().sum(dim=1)
    size = max(1, _BLOCK // (r * k))
    nearest, distances = [], []
    for rows, norm in zip(x.split(size), norms.split(size), strict=True):
        # Half the squared distance less half the squared norm of the row: the same order.
        score = torch.addmm(half, rows, flat.T, alpha=-1).view(-1, r, k)
        least, label = score.min(dim=2)
        nearest.append(label)
        distances.append((2 * least + norm.unsqueeze(1)).clamp_(min=0))
    return torch.cat(nearest).T, torch.cat(distances).T


def _sums(x: Tensor, labels: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Sums [r k d] and sizes [r k] of the clusters."""
    r, d = len(labels), x.size(1)
    sums, counts = x.new_zeros(r * k, d), x.new_zeros(r * k)
    offset = k * torch.arange(r, device=x.device)
    size = max(1, _BLOCK // (r * k))
    for rows, label in zip(x.split(size), labels.T.split(size), strict=True):
        member = torch.zeros(len(rows), r * k, dtype=x.dtype, device=x.device)
        member.scatter_(1, label + offset, 1.0)
        sums.addmm_(member.T, rows)
        counts += member.sum(dim=0)
    return sums.view(r, k, d), counts.view(r, k)


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


def _plus_plus(
    x: Tensor, norms: Tensor, k: int, restarts: int, generator: torch.Generator
) -> Tensor:
    """First centers of each start, [r k d]."""
    n, d = x.shape
    trials = 2 + int(math.log(k))
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

"""How well a partition agrees with the classes, with the embeddings and with the graph."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from gclkit.checks import check_count, reject
from gclkit.evaluators.classification_scores import accuracy, class_f1, confusion_matrix


def contingency(y: Int[Tensor, " n"], labels: Int[Tensor, " n"]) -> Float[Tensor, "c k"]:
    """Nodes by class and cluster, in fp64, without empty rows and columns."""
    if y.shape != labels.shape or y.numel() == 0:
        reject("contingency", "labels", "one cluster per class label", tuple(labels.shape))
    classes, row = y.unique(return_inverse=True)
    clusters, column = labels.unique(return_inverse=True)
    shape = (len(classes), len(clusters))
    counts = torch.bincount(row * shape[1] + column, minlength=shape[0] * shape[1])
    return counts.view(shape).double()


def _entropy(counts: Tensor) -> float:
    share = counts / counts.sum()
    return float(-torch.special.xlogy(share, share).sum())


def mutual_information(table: Float[Tensor, "c k"]) -> float:
    r"""Mutual information of rows and columns in nats, at least 0."""
    joint = _entropy(table.flatten())
    return max(0.0, _entropy(table.sum(dim=1)) + _entropy(table.sum(dim=0)) - joint)


def nmi(y: Int[Tensor, " n"], labels: Int[Tensor, " n"]) -> float:
    r"""Normalised mutual information :math:`2 I / (H(y) + H(k))`; 1 if both have one group."""
    table = contingency(y, labels)
    both = _entropy(table.sum(dim=1)) + _entropy(table.sum(dim=0))
    return 1.0 if both == 0 else 2 * mutual_information(table) / both


def homogeneity(y: Int[Tensor, " n"], labels: Int[Tensor, " n"]) -> float:
    r"""Share of the entropy of the classes that the clusters explain, :math:`I / H(y)`."""
    table = contingency(y, labels)
    entropy = _entropy(table.sum(dim=1))
    return 1.0 if entropy == 0 else mutual_information(table) / entropy


def ari(y: Int[Tensor, " n"], labels: Int[Tensor, " n"]) -> float:
    """Rand index adjusted for chance (Hubert & Arabie 1985); 1 for equal partitions."""
    table = contingency(y, labels)

    def pairs(counts: Tensor) -> float:
        return float((counts * (counts - 1)).sum()) / 2

    both, rows, columns = pairs(table), pairs(table.sum(dim=1)), pairs(table.sum(dim=0))
    total = pairs(table.sum())
    chance = rows * columns / total if total else 0.0
    span = (rows + columns) / 2 - chance
    return 1.0 if span == 0 else (both - chance) / span


def match_clusters(y: Int[Tensor, " n"], labels: Int[Tensor, " n"]) -> Int[Tensor, " n"]:
    """Renames clusters to classes so that most nodes agree (Hungarian method).

    Clusters left over where there are more of them than classes get numbers from c on.
    """
    classes = y.unique()
    clusters, column = labels.unique(return_inverse=True)
    table = contingency(y, labels)
    chosen = linear_sum_assignment(table.cpu().numpy(), maximize=True)
    name = torch.arange(len(clusters), device=y.device) + int(classes.max()) + 1
    name[torch.from_numpy(chosen[1]).to(y.device)] = classes[
        torch.from_numpy(chosen[0]).to(y.device)
    ]
    return name[column]


def matched_scores(y: Int[Tensor, " n"], labels: Int[Tensor, " n"]) -> tuple[float, float]:
    """Accuracy and macro F1 over the classes after :func:`match_clusters`."""
    named = match_clusters(y, labels)
    size = int(torch.maximum(y.max(), named.max())) + 1
    confusion = confusion_matrix(y, named, size)
    # Nodes of unmatched clusters count as missed; the clusters themselves are not classes.
    present = confusion.sum(dim=1) > 0
    return accuracy(confusion), float(class_f1(confusion)[present].mean())


def silhouette(
    z: Float[Tensor, "n d"], labels: Int[Tensor, " n"], *, at_most: int = 10_000, seed: int = 0
) -> float:
    r"""Mean of :math:`(b_i - a_i) / \max(a_i, b_i)` (Rousseeuw 1987), Euclidean distances.

    :math:`a_i` is the mean distance to the others of the own cluster, :math:`b_i` the smallest
    mean distance to another cluster; a node that is alone in its cluster counts 0.

    Args:
        z: Embeddings.
        labels: Clusters.
        at_most: Nodes; of a larger graph so many are sampled, and only they are compared.
        seed: Of the sample.

    Returns:
        In [-1, 1]; NaN where there is one cluster only. Memory is one block of distances.
    """
    return silhouettes(z, [labels], at_most=at_most, seed=seed)[0]


def silhouettes(
    z: Float[Tensor, "n d"],
    partitions: Sequence[Int[Tensor, " n"]],
    *,
    at_most: int = 10_000,
    seed: int = 0,
) -> list[float]:
    """The :func:`silhouette` of each of several partitions, whose distances are computed once."""
    check_count("silhouette", "at_most", at_most, at_least=2)
    if len(z) > at_most:
        generator = torch.Generator().manual_seed(seed)
        kept = torch.randperm(len(z), generator=generator)[:at_most].to(z.device)
        z, partitions = z[kept], [labels[kept] for labels in partitions]
    # In double: distances of many rows are roots of differences, which lose half the digits.
    z = z.double()
    z = z - z.mean(dim=0)
    partitions = [labels.unique(return_inverse=True)[1] for labels in partitions]
    members = [torch.nn.functional.one_hot(labels).to(z.dtype) for labels in partitions]
    totals = [z.new_full((), torch.nan if m.size(1) < 2 else 0.0) for m in members]
    if all(total.isnan() for total in totals):
        return [float(total) for total in totals]
    for rows in torch.arange(len(z), device=z.device).split(1024):
        distances = torch.cdist(z[rows], z)
        for total, labels, member in zip(totals, partitions, members, strict=True):
            total += _silhouette_sum(distances @ member, labels[rows], member.sum(dim=0))
    return [float(total / len(z)) for total in totals]


def _silhouette_sum(sums: Tensor, labels: Tensor, sizes: Tensor) -> Tensor:
    """Of some nodes, given their sums of distances to the clusters [b k] and its sizes [k]."""
    own = sums.gather(1, labels[:, None]).squeeze(1)
    size = sizes[labels]
    a = own / (size - 1).clamp(min=1)
    b = (sums / sizes).scatter(1, labels[:, None], torch.inf).amin(dim=1)
    top = torch.maximum(a, b)
    return torch.where((size == 1) | (top == 0), 0.0, (b - a) / top.clamp(min=1e-30)).sum()


def modularity(
    edge_index: Int[Tensor, "2 e"],
    labels: Int[Tensor, " n"],
    edge_weight: Float[Tensor, " e"] | None = None,
) -> float:
    r"""Newman's modularity :math:`\sum_c [w_c / W - (v_c / W)^2]` of a partition.

    :math:`W` is the weight of all directed edges, :math:`w_c` of those inside c, :math:`v_c` of
    those that leave a node of c; a self-loop counts twice, as both directions of another edge do.

    Args:
        edge_index: Undirected, both directions; self-loops once.
        labels: Cluster of each node.
        edge_weight: At least 0. (default: 1)
    """
    inside, volume, total = _volumes(edge_index, labels, edge_weight)
    return float((inside / total - (volume / total).square()).sum())


def conductance(
    edge_index: Int[Tensor, "2 e"],
    labels: Int[Tensor, " n"],
    edge_weight: Float[Tensor, " e"] | None = None,
) -> float:
    r"""Mean over the clusters of :math:`(v_c - w_c) / \min(v_c, W - v_c)`; lower is better.

    Clusters without edges, or with all of them, have no conductance and are left out; NaN if
    none is left. Symbols and arguments as in :func:`modularity`.
    """
    inside, volume, total = _volumes(edge_index, labels, edge_weight)
    smaller = torch.minimum(volume, total - volume)
    kept = smaller > 1e-12 * total  # The rest of the sum over all edges is rounding.
    return float(((volume - inside) / smaller)[kept].mean())


def _volumes(edge_index: Tensor, labels: Tensor, weight: Tensor | None) -> tuple[Tensor, ...]:
    clusters, labels = labels.to(edge_index.device).unique(return_inverse=True)
    source, target = labels[edge_index[0]], labels[edge_index[1]]
    weight = torch.ones_like(source) if weight is None else weight
    # A self-loop stands there once, but both its ends are in the node.
    weight = torch.where(edge_index[0] == edge_index[1], 2 * weight, weight).double()
    empty = weight.new_zeros(len(clusters))
    inside = empty.index_add(0, source, weight * (source == target))
    volume = empty.index_add(0, source, weight / 2).index_add(0, target, weight / 2)
    return inside, volume, weight.sum()

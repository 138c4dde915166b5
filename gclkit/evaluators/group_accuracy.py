"""Accuracy by degree, by community strength, or by any number per node."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gclkit.checks import check_count, check_edges, check_finite, reject
from gclkit.graphs.check_graph import most_named


def accuracy_by_degree(
    edge_index: Int[Tensor, "2 e"], nodes: Int[Tensor, " t"], correct: Bool[Tensor, " t"]
) -> dict[str, list[Any]]:
    """Accuracy of test nodes by degree: 0, 1, 2, 3–4, 5–8, …, powers of two.

    Args:
        edge_index: Undirected, both directions.
        nodes: Test nodes; a node may be there once per split.
        correct: Whether each was classified rightly.

    Returns:
        ``{"labels", "values", "sizes"}``; a value is a share in [0, 1], groups without nodes
        are left out.

    Raises:
        ValueError: If the edges are no node indices, there is not one truth per node, of dtype
            ``torch.bool``, or no node.
    """
    owner = "accuracy_by_degree"
    if nodes.dim() != 1 or nodes.numel() == 0 or nodes.shape != correct.shape:
        got = (tuple(nodes.shape), tuple(correct.shape))
        reject(owner, "nodes", "a list of one node or more, as long as 'correct'", got)
    most = max(int(nodes.max()) + 1, most_named(check_edges(owner, edge_index).size(1)))
    edge_index, nodes, correct = edge_index.cpu(), nodes.cpu(), correct.cpu()
    check_edges(owner, edge_index, most)
    count = int(torch.cat([edge_index.flatten(), nodes]).max()) + 1
    degree = torch.bincount(edge_index[0], minlength=count)[nodes]
    group = torch.where(degree > 0, degree.clamp(min=1).double().log2().ceil().long() + 1, 0)
    labels = []
    for index in range(int(group.max()) + 1):
        high = 2 ** (index - 1) if index else 0
        low = high // 2 + 1 if index else 0
        labels.append(str(low) if low == high else f"{low}–{high}")
    return _table(owner, labels, group, correct)


def accuracy_by_quantile(
    value: Float[Tensor, " t"], correct: Bool[Tensor, " t"], *, groups: int = 5
) -> dict[str, list[Any]]:
    """Accuracy of test nodes in groups of about equal size by a number per node.

    Equal numbers stay together, so there may be fewer groups.

    Args:
        value: Such as the strength of the community of each test node.
        correct: Whether each was classified rightly.
        groups: Number of groups wanted.

    Returns:
        ``{"labels", "values", "sizes"}``, labels being the range of the numbers in the group.

    Raises:
        ValueError: If the numbers are not finite, there is not one truth per number, of dtype
            ``torch.bool``, or no number, or :obj:`groups` is not an integer of at least 1.
    """
    check_count("accuracy_by_quantile", "groups", groups)
    check_finite("accuracy_by_quantile", "value", value)
    if value.shape != correct.shape or value.numel() == 0:
        reject("accuracy_by_quantile", "correct", "one truth per value", tuple(correct.shape))
    distinct, inverse, counts = value.unique(return_inverse=True, return_counts=True)
    middle = counts.cumsum(0).double() - counts.double() / 2
    group = (middle / len(value) * groups).long().clamp(max=groups - 1)
    labels = []
    for index in range(groups):
        inside = distinct[group == index].tolist()
        ends = inside if len(inside) < 2 else [inside[0], inside[-1]]
        labels.append("–".join(f"{end:.3g}" for end in ends))
    return _table("accuracy_by_quantile", labels, group[inverse], correct)


def _table(owner: str, labels: list[str], group: Tensor, correct: Tensor) -> dict[str, list[Any]]:
    if correct.dtype != torch.bool:
        reject(owner, "correct", "of dtype torch.bool", correct.dtype)
    sizes = torch.bincount(group, minlength=len(labels))
    hits = torch.bincount(group, weights=correct.double(), minlength=len(labels))
    kept = [index for index in range(len(labels)) if sizes[index] > 0]
    return {
        "labels": [labels[index] for index in kept],
        "values": [float(hits[index] / sizes[index]) for index in kept],
        "sizes": [int(sizes[index]) for index in kept],
    }

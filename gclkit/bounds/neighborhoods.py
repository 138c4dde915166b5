"""Neighbour lists as padded blocks of similar degree, so that no loop runs over nodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor


class Neighborhoods(NamedTuple):
    """Edges of nodes of similar degree, one row per node.

    Args:
        nodes: Target nodes [b].
        edges: Positions of their edges in the sorted edge list [b, w]; 0 where padded.
        real: Which entries are edges, not padding [b, w].
    """

    nodes: Int[Tensor, " b"]
    edges: Int[Tensor, "b w"]
    real: Bool[Tensor, "b w"]

    def split(self, rows: int) -> Iterator[Neighborhoods]:
        """Blocks of at most ``rows`` nodes."""
        parts = (self.nodes.split(rows), self.edges.split(rows), self.real.split(rows))
        for block in zip(*parts, strict=True):
            yield Neighborhoods(*block)


def group_by_degree(
    target: Int[Tensor, " e"], degree: Int[Tensor, " n"], nodes: Int[Tensor, " t"]
) -> list[Neighborhoods]:
    """Pads the neighbour lists of some nodes to the largest degree of their group.

    Group borders grow by a factor of 1.3, so padding adds at most 30 % to long lists.

    Args:
        target: Target of each edge, sorted.
        degree: Edges per node, for all nodes.
        nodes: The nodes wanted, each once.

    Returns:
        Groups in order of degree; nodes without edges form one of width 0.
    """
    if not nodes.numel():
        return []
    start = torch.searchsorted(target, nodes)
    width = degree[nodes]
    order = width.argsort(stable=True)
    nodes, start, width = nodes[order], start[order], width[order]
    groups, low, top = [], -1, 0
    largest = int(width[-1])
    while low < largest:
        first, last = torch.searchsorted(width, torch.tensor([low, top], device=width.device) + 1)
        if last > first:
            at = slice(int(first), int(last))
            steps = torch.arange(int(width[at][-1]), device=target.device)
            real = steps < width[at, None]
            edges = torch.where(real, start[at, None] + steps, 0)
            groups.append(Neighborhoods(nodes[at], edges, real))
        low, top = top, max(top + 1, int(top * 1.3))
    return groups

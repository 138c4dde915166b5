"""Pairs of nodes as single numbers, and draws among those that are not edges."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

# Up to this many pairs they are listed; above, draws are rejected until enough are left.
_LISTED = 2_000_000


def undirected_codes(edge_index: Int[Tensor, "2 e"], num_nodes: int) -> Int[Tensor, " m"]:
    """Each undirected edge once as ``low * num_nodes + high``, ascending; self-loops left out."""
    low, high = edge_index.cpu().sort(dim=0).values
    return (low * num_nodes + high)[low != high].unique()


def sample_non_edges(
    codes: Int[Tensor, " m"], num_nodes: int, count: int, generator: torch.Generator
) -> Int[Tensor, " count"]:
    """Draws different pairs without an edge, uniformly; fewer than ``count`` if there are fewer.

    Args:
        codes: The edges, as :func:`undirected_codes` gives them.
        num_nodes: Number of nodes.
        count: Pairs wanted.
        generator: Source of randomness.
    """
    if num_nodes * (num_nodes - 1) // 2 <= _LISTED:
        low, high = torch.triu_indices(num_nodes, num_nodes, 1)
        free = low * num_nodes + high
        free = free[~_contains(codes, free)]
        return free[torch.randperm(len(free), generator=generator)[:count]]

    def draw(size: int) -> Tensor:
        ends = torch.randint(num_nodes, (2, size), generator=generator)
        low, high = ends.sort(dim=0).values
        return (low * num_nodes + high)[low != high]

    return _reject(draw, codes, count)


def sample_two_hop(
    train: Int[Tensor, " a"],
    codes: Int[Tensor, " m"],
    num_nodes: int,
    count: int,
    generator: torch.Generator,
) -> Int[Tensor, " h"]:
    """Draws pairs that share a neighbor in the training graph and are not an edge of the whole one.

    They are drawn through a random edge and a random further edge at one of its ends; fewer
    than ``count`` come back where few exist.

    Args:
        train: Training edges, as codes.
        codes: All edges, as codes, ascending.
        num_nodes: Number of nodes.
        count: Pairs wanted.
        generator: Source of randomness.
    """
    low, high = train // num_nodes, train % num_nodes
    source, target = torch.cat([low, high]), torch.cat([high, low])
    order = source.argsort(stable=True)
    source, target = source[order], target[order]
    degree = torch.bincount(source, minlength=num_nodes)
    start = degree.cumsum(0) - degree

    def draw(size: int) -> Tensor:
        edge = torch.randint(len(source), (size,), generator=generator)
        middle = target[edge]
        step = (torch.rand(size, generator=generator, dtype=torch.float64) * degree[middle]).long()
        end = target[start[middle] + step.clamp(max=degree[middle] - 1)]
        first, last = torch.stack([source[edge], end]).sort(dim=0).values
        return (first * num_nodes + last)[first != last]

    return _reject(draw, codes, count)


def _contains(ordered: Tensor, wanted: Tensor) -> Tensor:
    at = torch.searchsorted(ordered, wanted).clamp(max=len(ordered) - 1)
    return ordered[at] == wanted


def _reject(draw: Callable[[int], Tensor], codes: Tensor, count: int) -> Tensor:
    """Different drawn pairs that are not edges, in the order of their draw."""
    found = codes.new_empty(0)
    # Sixty rounds of at least twice what is missing: fewer come back only where few exist.
    for _ in range(60):
        drawn = draw(2 * (count - len(found)) + 64)
        both = torch.cat([found, drawn[~_contains(codes, drawn)]])
        first = np.unique(both.numpy(), return_index=True)[1]
        found = both[np.sort(first)][:count]
        if len(found) == count:
            break
    return found

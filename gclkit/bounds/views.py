"""Views inside a set: drawn at random, or taken in a given order of edges."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gclkit.bounds.edge_drop_set import EdgeDropSet


def draw_view(drops: EdgeDropSet, generator: torch.Generator | None = None) -> Bool[Tensor, " e"]:
    """A random view that uses the budgets up: edges vanish in random order while both ends
    have a budget left.

    Args:
        drops: The set.
        generator: Source of randomness, on the device of the edges.

    Returns:
        Which edges are kept, both directions alike.
    """
    device = drops.target.device
    return greedy_view(drops, torch.rand(len(drops.target), generator=generator, device=device))


def greedy_view(
    drops: EdgeDropSet, priority: Float[Tensor, " e"], only: Bool[Tensor, " e"] | None = None
) -> Bool[Tensor, " e"]:
    """Drops edges in order of priority, highest first, while both ends have a budget left.

    The same result as a loop over the edges, in a few vectorised rounds: an edge that is
    within the remaining budget of both its ends among the edges still undecided would be
    dropped by the loop too, since fewer edges than the budget come before it at either end.

    Args:
        drops: The set.
        priority: One number per edge; of the two directions that of the lower target counts.
        only: Edges that may vanish, marked in both directions. (default: all droppable)

    Returns:
        Which edges are kept, both directions alike.
    """
    target, source, mirror = drops.target, drops.source, drops.mirror
    forward = target < source
    priority = torch.where(forward, priority, priority[mirror])
    # Ties are broken alike in both directions: by the position of the forward edge.
    name = torch.where(forward, torch.arange(len(target), device=target.device), mirror)
    order = name.argsort(stable=True)
    order = order[priority[order].argsort(descending=True, stable=True)]
    order = order[target[order].argsort(stable=True)]
    back = torch.empty_like(order)
    back[order] = torch.arange(len(order), device=order.device)
    start = torch.searchsorted(target, target)

    open_edges = drops.droppable.clone() if only is None else drops.droppable & only & only[mirror]
    left = drops.budget.clone()
    kept = torch.ones_like(open_edges)
    while bool(open_edges.any()):
        before = torch.nn.functional.pad(open_edges[order].cumsum(0), (1, 0))
        rank = before[back] - before[start]
        first = open_edges & (rank < left[target])
        vanish = first & first[mirror]
        kept &= ~vanish
        left -= drops.count(vanish)
        open_edges &= ~vanish & (left[target] > 0) & (left[source] > 0)
    return kept

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
    may_vanish = drops.droppable if only is None else drops.droppable & only & only[mirror]
    edge = may_vanish.nonzero()[:, 0]
    # Both directions have the priority of the forward edge, and its position where there are ties.
    forward = torch.where(target[edge] < source[edge], edge, mirror[edge])
    order = forward.argsort(stable=True)
    order = order[priority[forward[order]].argsort(descending=True, stable=True)]
    edge = edge[order[target[edge[order]].argsort(stable=True)]]
    place = torch.empty_like(target)
    place[edge] = torch.arange(len(edge), device=edge.device)
    back = place[mirror[edge]]

    left, kept = drops.budget.clone(), torch.ones_like(may_vanish)
    while len(edge):  # The edges that are still undecided, by target and priority.
        at, other = target[edge], source[edge]
        rank = torch.arange(len(edge), device=edge.device) - torch.searchsorted(at, at)
        first = rank < left[at]
        vanish = first & first[back]
        kept[edge[vanish]] = False
        left -= torch.bincount(at[vanish], minlength=len(left))
        undecided = ~vanish & (left[at] > 0) & (left[other] > 0)
        back = (undecided.cumsum(0) - 1)[back[undecided]]
        edge = edge[undecided]
    return kept

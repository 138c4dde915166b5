"""How much a perturbation set allows, to be stated beside every bound."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from gclkit.bounds.edge_drop_set import EdgeDropSet
from gclkit.bounds.views import draw_view
from gclkit.checks import check_count, check_probability


class SetReport(NamedTuple):
    """What a set allows, as fractions.

    Args:
        budget_share: Nodes with a budget of one edge or more.
        realised_rate: Mean share of edges that a random view of full budget drops.
        reach_share: Nodes with a droppable edge in reach: those whose value can change.
        over_budget: Nodes over budget in a view of plain Bernoulli dropping at rate p, mean;
            NaN where no rate was given.
    """

    budget_share: float
    realised_rate: float
    reach_share: float
    over_budget: float


def describe_set(
    drops: EdgeDropSet,
    *,
    num_layers: int,
    p: float | None = None,
    num_views: int = 20,
    seed: int = 0,
) -> SetReport:
    """Describes a set by what random views do.

    Args:
        drops: The set.
        num_layers: Layers with neighbours; an edge reaches as far.
        p: Rate of the Bernoulli dropping to compare with.
        num_views: Views drawn for each mean.
        seed: Of the views.

    Raises:
        ValueError: If :obj:`num_views` is not an integer of at least 1, or :obj:`p` is given and
            not a probability.
    """
    check_count("describe_set", "num_views", num_views)
    generator = torch.Generator(device=drops.target.device).manual_seed(seed)
    rates = [0.0]
    if len(drops.target):
        rates = [1 - share(draw_view(drops, generator)) for _ in range(num_views)]
    over = [float("nan")]
    if p is not None:
        check_probability("describe_set", "p", p)
        views = [bernoulli_view(drops, p, generator) for _ in range(num_views)]
        over = [share(drops.dropped(view) > drops.budget) for view in views]
    reach = share(nodes_in_reach(drops, num_layers))
    return SetReport(share(drops.budget > 0), _mean(rates), reach, _mean(over))


def nodes_in_reach(drops: EdgeDropSet, num_layers: int) -> Bool[Tensor, " n"]:
    """Nodes whose embedding some view can change: a droppable edge ends at the node or at one
    within ``num_layers - 1`` steps, or, as it changes a factor, within ``num_layers``.

    Args:
        drops: The set.
        num_layers: Layers with neighbours.
    """
    matrix = drops.matrix(torch.ones_like(drops.target, dtype=torch.float32))
    reached = (drops.usable_budget > 0).float()[:, None]
    for _ in range(num_layers):
        reached = ((drops.product(matrix, reached) + reached) > 0).float()
    return reached[:, 0] > 0


def bernoulli_view(
    drops: EdgeDropSet, p: float, generator: torch.Generator | None = None
) -> Bool[Tensor, " e"]:
    """Which edges plain dropping keeps: one coin per undirected edge, no budget."""
    coin = torch.rand(len(drops.target), generator=generator, device=drops.target.device)
    forward = drops.target < drops.source
    mirror: Int[Tensor, " e"] = drops.mirror
    return torch.where(forward, coin, coin[mirror]) >= p


def share(chosen: Bool[Tensor, " k"]) -> float:
    """The share of true entries; 0 where there are none."""
    return float(chosen.float().mean()) if chosen.numel() else 0.0


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)

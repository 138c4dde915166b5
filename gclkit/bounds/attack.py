"""Search for the worst allowed view of each node: what a bound is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gclkit.bounds.box import leaky_relu, multiply, point
from gclkit.bounds.edge_drop_set import EdgeDropSet
from gclkit.bounds.forward import trace_view
from gclkit.bounds.layers import Layer
from gclkit.bounds.views import draw_view, greedy_view

# Entries of the messages of one layer, over the copies of all surroundings searched at once.
MESSAGE_NUMEL = 2**25


def sampled_minimum(
    layers: Sequence[Layer],
    x: Float[Tensor, "n f"],
    directions: Float[Tensor, "t d"],
    drops: EdgeDropSet,
    *,
    nodes: Int[Tensor, " t"],
    num_views: int = 200,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " t"]:
    """The smallest compactness over the clean graph and random views of full budget.

    Args:
        layers: The encoder.
        x: Features.
        directions: Target vectors of the target nodes.
        drops: The set.
        nodes: The target nodes.
        num_views: Views drawn; all nodes share them.
        generator: Source of the views.
    """
    kept = torch.ones_like(drops.target, dtype=torch.bool)
    smallest = torch.full_like(directions[:, 0], torch.inf)
    for _ in range(num_views + 1):
        z = trace_view(layers, x, drops, kept)[-1].after.lower
        smallest = torch.minimum(smallest, (directions * z[nodes]).sum(dim=-1))
        kept = draw_view(drops, generator)
    return smallest


class Copies(NamedTuple):
    """One copy of the surroundings of each target node, side by side in one graph.

    Args:
        node: Node of the whole graph that each local node stands for [m].
        center: Local node of each target [b].
        drops: The allowed views of the copies.
        degree: Degree of each local node in the whole graph [m].
        within: Number of local nodes within 0, 1, … steps of their target; local nodes are in
            the order of these steps.
    """

    node: Int[Tensor, " m"]
    center: Int[Tensor, " b"]
    drops: EdgeDropSet
    degree: Int[Tensor, " m"]
    within: list[int]


def copy_surroundings(drops: EdgeDropSet, nodes: Int[Tensor, " b"], num_layers: int) -> Copies:
    """Copies what the embeddings of some nodes can depend on: the edges at nodes within
    ``num_layers`` steps, whose degrees enter as factors.
    """
    n, b = drops.num_nodes, len(nodes)
    steps = _steps(drops, nodes, num_layers)
    edge, copy = _edges_around(drops, steps <= num_layers).nonzero(as_tuple=True)
    ends = torch.cat([drops.target[edge], drops.source[edge], nodes])
    copies = torch.cat([copy, copy, torch.arange(b, device=nodes.device)])
    names, local = torch.unique(copies * n + ends, return_inverse=True)
    away = steps[names % n, names // n]
    order = away.argsort(stable=True)
    names, local = names[order], order.argsort()[local]
    target, source, center = local.split([len(edge), len(edge), b])
    node = names % n
    degree = torch.bincount(target, minlength=len(node))
    budget = torch.minimum(drops.budget[node], degree)
    local_drops = EdgeDropSet(torch.stack([source, target]), len(node), budget)
    within = torch.bincount(away, minlength=num_layers + 2).cumsum(0).tolist()
    return Copies(node, center, local_drops, drops.degree[node], within)


def _steps(drops: EdgeDropSet, nodes: Int[Tensor, " b"], most: int) -> Int[Tensor, "n b"]:
    """How many steps each node of the graph is away from each target, ``most + 1`` if more."""
    columns = torch.arange(len(nodes), device=nodes.device)
    steps = torch.full((drops.num_nodes, len(nodes)), most + 1, device=nodes.device)
    steps[nodes, columns] = 0
    matrix = drops.matrix(torch.ones_like(drops.target, dtype=torch.float32))
    for step in range(1, most + 1):
        reached = drops.product(matrix, (steps < step).float()) > 0
        steps[reached & (steps > step)] = step
    return steps


def _edges_around(drops: EdgeDropSet, inside: Bool[Tensor, "n b"]) -> Bool[Tensor, "e b"]:
    """Which edges have an end inside the surroundings of each target."""
    return inside[drops.target] | inside[drops.source]


def split_by_edges(
    drops: EdgeDropSet, nodes: Int[Tensor, " t"], num_layers: int, *, block: int, most_edges: int
) -> Iterator[Int[Tensor, " b"]]:
    """Splits nodes, in order, so that the surroundings of each part have few edges together.

    Args:
        drops: The allowed views.
        nodes: What is split.
        num_layers: Depth of the encoder.
        block: Most nodes of a part.
        most_edges: Most edges of a part, but for a node that has more of its own.
    """
    for chunk in nodes.split(block):
        start, total = 0, 0
        around = _edges_around(drops, _steps(drops, chunk, num_layers) <= num_layers)
        for i, edges in enumerate(around.sum(dim=0).tolist()):
            if i > start and total + edges > most_edges:
                yield chunk[start:i]
                start, total = i, 0
            total += edges
        yield chunk[start:]


def searched_minimum(
    layers: Sequence[Layer],
    x: Float[Tensor, "n f"],
    directions: Float[Tensor, "t d"],
    drops: EdgeDropSet,
    *,
    nodes: Int[Tensor, " t"],
    rounds: int = 12,
    block: int = 64,
) -> Float[Tensor, " t"]:
    r"""The smallest compactness that a gradient search finds, node by node.

    Edges get weights in [0, 1]; each round (Frank-Wolfe) takes the allowed view that is worst
    to first order, greedily in order of gain within the budgets, records its true value, and
    moves the weights towards it by :math:`2/(k + 2)`. Every value recorded belongs to a view
    of the set.

    Args:
        layers: The encoder.
        x: Features.
        directions: Target vectors of the target nodes.
        drops: The set; a symmetric one.
        nodes: The target nodes.
        rounds: Rounds per block.
        block: Target nodes searched at once, fewer where their surroundings are large.

    Returns:
        At most the clean value of each node.
    """
    depth = sum(layer.propagation is not None for layer in layers)
    frozen = [_frozen(layer) for layer in layers]
    x = x.detach()
    sent, own = frozen[0].by_weights(lambda weight: multiply(point(x), weight).lower)
    width = max([sent.size(1), *(w.size(1) for layer in layers if (w := layer.weight) is not None)])
    most = MESSAGE_NUMEL // width
    found, done = [], 0
    for part in split_by_edges(drops, nodes, depth, block=block, most_edges=most):
        aims = directions.detach()[done : done + len(part)]
        done += len(part)
        copies = copy_surroundings(drops, part, depth)
        inputs = copies.node[: copies.within[depth]]
        start = (sent[inputs], own[inputs])
        found.append(_search(frozen, start, aims, copies, rounds))
    return torch.cat(found) if found else directions.new_zeros(0)


def _search(
    layers: list[Layer],
    start: tuple[Tensor, Tensor],
    aims: Tensor,
    copies: Copies,
    rounds: int,
) -> Tensor:
    drops = copies.drops
    mirror, forward = drops.mirror, drops.target < drops.source
    weights = torch.ones(len(drops.target), dtype=aims.dtype, device=aims.device)
    best = torch.full_like(aims[:, 0], torch.inf)
    for k in range(rounds):
        with torch.enable_grad():
            weights = weights.detach().requires_grad_()
            both = torch.where(forward, weights, weights[mirror])
            value = (aims * _weighted(layers, start, both, copies)).sum(dim=-1)
            (gain,) = torch.autograd.grad(value.sum(), weights)
        gain = torch.where(forward, gain, gain[mirror])
        kept = greedy_view(drops, gain, only=gain > 0).to(aims)
        with torch.no_grad():
            if k == 0:
                best = torch.minimum(best, value)
            z = _weighted(layers, start, kept, copies)
            best = torch.minimum(best, (aims * z).sum(dim=-1))
            weights = torch.lerp(weights, kept, 2 / (k + 2))
    return best


def _weighted(
    layers: list[Layer], start: tuple[Tensor, Tensor], weights: Tensor, copies: Copies
) -> Tensor:
    """Embeddings of the targets where each edge counts as much as its weight."""
    drops = copies.drops
    lost = torch.zeros(drops.num_nodes, dtype=weights.dtype, device=weights.device)
    degree = copies.degree - lost.index_add(0, drops.target, 1 - weights)
    left = sum(layer.propagation is not None for layer in layers)
    (sent, own), h = start, start[0]
    for k, layer in enumerate(layers):
        if k:
            sent, own = (box.lower for box in layer.by_weights(partial(multiply, point(h))))
        y = sent
        if layer.propagation is not None:
            # Later layers pass on what reaches the nodes within so many steps, and no other.
            left -= 1
            rows = copies.within[left]
            edges = (drops.target < rows).nonzero()[:, 0]
            target, source = drops.target[edges], drops.source[edges]
            row, column = layer.propagation.row(degree), layer.propagation.column(degree)
            value = row[target] * column[source] * weights[edges]
            y = sent.new_zeros(rows, sent.size(1)).index_add(
                0, target, value[:, None] * sent[source]
            )
            y = y + layer.propagation.root(degree)[:rows, None] * own[:rows]
        if layer.bias is not None:
            y = y + layer.bias
        h = leaky_relu(y, layer.negative_slope)
    return h[copies.center]


def _frozen(layer: Layer) -> Layer:
    def detach(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else tensor.detach()

    return Layer(
        layer.propagation,
        detach(layer.weight),
        detach(layer.root_weight),
        detach(layer.bias),
        layer.negative_slope.detach(),
    )

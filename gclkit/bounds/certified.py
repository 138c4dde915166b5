"""Lower bounds of the compactness over every view of a set."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.bounds.aggregation import least_sums
from gclkit.bounds.backward import at_nodes, pull_back, root_weight, to_last_propagation
from gclkit.bounds.box import Box
from gclkit.bounds.edge_drop_set import EdgeDropSet
from gclkit.bounds.forward import Trace, trace_boxes
from gclkit.bounds.layers import Layer
from gclkit.bounds.neighborhoods import group_by_degree
from gclkit.bounds.propagation import Propagation
from gclkit.bounds.sparse import edge_dot
from gclkit.bounds.two_hop import two_hop_bound


def certified_bound(
    layers: Sequence[Layer],
    x: Float[Tensor, "n f"],
    directions: Float[Tensor, "t d"],
    drops: EdgeDropSet,
    *,
    nodes: Int[Tensor, " t"],
    tightness: str = "budget",
) -> Float[Tensor, " t"]:
    r"""A lower bound of :math:`\min_{E'} T_i \cdot z_i(E')`, the view ranging over the set.

    ``"interval"`` is :math:`\sum_k T^+_{ik} \sigma(l_{ik}) + T^-_{ik} \sigma(u_{ik})` with
    plain boxes (methods S19, mode 3). ``"budget"`` takes boxes that count edges, and the
    larger of that score and :func:`last_layer_bound`. ``"two_hop"`` is the larger of
    ``"budget"`` and :func:`gclkit.bounds.two_hop.two_hop_bound`, for far more work.

    Args:
        layers: The encoder.
        x: Features.
        directions: Target vectors T of the target nodes.
        drops: The set.
        nodes: The target nodes.
        tightness: ``"interval"``, ``"budget"`` or ``"two_hop"``.
    """
    traces = trace_boxes(layers, x, drops, tightness)
    score = box_score(traces[-1].after, directions, nodes)
    if tightness == "interval":
        return score
    score = torch.maximum(score, last_layer_bound(layers, traces, directions, drops, nodes=nodes))
    if tightness == "budget":
        return score
    return torch.maximum(score, two_hop_bound(layers, x, directions, drops, nodes=nodes))


def box_score(
    z: Box, directions: Float[Tensor, "t d"], nodes: Int[Tensor, " t"]
) -> Float[Tensor, " t"]:
    """The least inner product of a direction with any point of the node's box."""
    positive, negative = directions.clamp(min=0), directions.clamp(max=0)
    return (positive * z.lower[nodes] + negative * z.upper[nodes]).sum(dim=-1)


def last_layer_bound(
    layers: Sequence[Layer],
    traces: Sequence[Trace],
    directions: Float[Tensor, "t d"],
    drops: EdgeDropSet,
    *,
    nodes: Int[Tensor, " t"],
    lower: str = "parallel",
) -> Float[Tensor, " t"]:
    r"""Relaxes the last activation only, then counts edges with one scalar per edge.

    With :math:`\tilde W_i = \Lambda_i W^\top`, neighbour :math:`j` contributes at least
    :math:`g_{ij} = \tilde W_i^+ \cdot H_{L,j} + \tilde W_i^- \cdot H_{U,j}`, in the target's
    own coefficients; :func:`gclkit.bounds.aggregation.least_sums` adds these up (methods S19).

    Args:
        layers: The encoder.
        traces: Boxes of all layers.
        directions: Target vectors of the target nodes.
        drops: The set.
        nodes: The target nodes.
        lower: Kind of lower line of the last activation.
    """
    boxes = at_nodes(traces, nodes)
    k, coefficients, constant = to_last_propagation(layers, boxes, directions, lower=lower)
    layer = layers[k]
    assert layer.propagation is not None
    through, own = coefficients, coefficients
    sent, root = traces[k].sent, traces[k].own
    if k:
        through = pull_back(coefficients, layer.weight)
        own = pull_back(coefficients, root_weight(layer))
        sent = root = traces[k - 1].after
    low, high = _least(own, root.lower[nodes], root.upper[nodes])
    # Rows of 'through' are target nodes; edges name nodes of the graph.
    position = torch.full_like(drops.degree, -1)
    position[nodes] = torch.arange(len(nodes), device=nodes.device)
    wanted = position[drops.target] >= 0
    order = position[drops.target[wanted]].argsort(stable=True)
    rows, cols = position[drops.target[wanted]][order], drops.source[wanted][order]
    if sent.is_point:
        values = edge_dot(rows, cols, through, sent.lower)
    else:
        values = edge_dot(rows, cols, through.clamp(min=0), sent.lower)
        values = values + edge_dot(rows, cols, through.clamp(max=0), sent.upper)
    least, most = _column_ends(drops, layer.propagation, cols, values)
    m = values.new_zeros(len(drops.target))
    m = m.index_put((wanted.nonzero()[:, 0][order],), torch.minimum(least, most))
    lists = group_by_degree(drops.target, drops.degree, nodes)
    spread = torch.zeros(drops.num_nodes, 1, dtype=low.dtype, device=low.device)
    box = Box(*(spread.index_put((nodes,), end[:, None]) for end in (low, high)))
    span = [(0, int(drops.budget.max()))]
    sums = least_sums(drops, layer.propagation, lists, m[:, None], [box], span, per_edge=True)
    return constant + sums[0][nodes, 0]


def _column_ends(
    drops: EdgeDropSet, propagation: Propagation, senders: Int[Tensor, " e"], values: Tensor
) -> tuple[Tensor, Tensor]:
    """Values times the column factor of their sender, at both ends of its budget."""
    clean, least = drops.degree, drops.degree - drops.usable_budget
    low, high = (propagation.column(d.to(values))[senders] for d in (clean, least))
    return low * values, high * values


def _least(
    coefficients: Float[Tensor, "t d"], lower: Float[Tensor, "t d"], upper: Float[Tensor, "t d"]
) -> tuple[Float[Tensor, " t"], Float[Tensor, " t"]]:
    """Least and largest inner product with any point of a box."""
    positive, negative = coefficients.clamp(min=0), coefficients.clamp(max=0)
    least = (positive * lower + negative * upper).sum(dim=-1)
    return least, (positive * upper + negative * lower).sum(dim=-1)

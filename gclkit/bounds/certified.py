"""Lower bounds of the compactness over every view of a set."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.bounds.aggregation import column_least, least_sums
from gclkit.bounds.backward import pull_back, to_last_propagation
from gclkit.bounds.blocks import as_row, by_columns
from gclkit.bounds.box import Box, activate, parts
from gclkit.bounds.edge_drop_set import EdgeDropSet
from gclkit.bounds.forward import Trace, trace_boxes
from gclkit.bounds.layers import Layer
from gclkit.bounds.neighborhoods import group_by_degree
from gclkit.bounds.sparse import edge_dot
from gclkit.bounds.two_hop import two_hop_bound


def certified_bound(
    layers: Sequence[Layer],
    x: Float[Tensor, "n f"],
    directions: Float[Tensor, "t d"],
    drops: EdgeDropSet,
    *,
    nodes: Int[Tensor, " t"] | None = None,
    tightness: str = "budget",
) -> Float[Tensor, " t"]:
    r"""A lower bound of :math:`\min_{E'} T_i \cdot z_i(E')`, the view ranging over the set.

    ``"interval"`` is :math:`\sum_k T^+_{ik} \sigma(l_{ik}) + T^-_{ik} \sigma(u_{ik})` with
    plain boxes. ``"budget"`` takes boxes that count edges, and the larger of that score and
    :func:`last_layer_bound`. ``"two_hop"`` is the larger of ``"budget"`` and
    :func:`gclkit.bounds.two_hop.two_hop_bound`, for far more work.

    Args:
        layers: The encoder.
        x: Features.
        directions: Target vectors T of the target nodes.
        drops: The set.
        nodes: The target nodes. (default: all)
        tightness: ``"interval"``, ``"budget"`` or ``"two_hop"``.
    """
    traces = trace_boxes(layers, x, drops, tightness)
    last = traces[-1].before.at(nodes)
    score, _ = activated_dots(last, traces[-1].negative_slope, directions)
    if tightness == "interval":
        return score
    score = torch.maximum(score, last_layer_bound(layers, traces, directions, drops, nodes=nodes))
    if tightness == "budget":
        return score
    if nodes is None:
        nodes = torch.arange(drops.num_nodes, device=x.device)
    return torch.maximum(score, two_hop_bound(layers, x, directions, drops, nodes=nodes))


def activated_dots(
    box: Box, negative_slope: Tensor, coefficients: Float[Tensor, "t d"]
) -> tuple[Float[Tensor, " t"], Float[Tensor, " t"]]:
    """Least and largest inner product of each row of coefficients with the activation of any
    point of its box.
    """

    def step(low: Tensor, high: Tensor, slope: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        positive, negative = parts(rows)
        low, high = activate(Box(low, high), slope)
        least = (positive * low + negative * high).sum(dim=-1)
        return least, (positive * high + negative * low).sum(dim=-1)

    slope = as_row(negative_slope, coefficients.shape[1], coefficients)
    least, most = by_columns(step, *box, slope, coefficients)
    return least, most


def last_layer_bound(
    layers: Sequence[Layer],
    traces: Sequence[Trace],
    directions: Float[Tensor, "t d"],
    drops: EdgeDropSet,
    *,
    nodes: Int[Tensor, " t"] | None = None,
) -> Float[Tensor, " t"]:
    r"""Relaxes the last activation only, then counts edges with one scalar per edge.

    With :math:`\tilde W_i = \Lambda_i W^\top`, neighbour :math:`j` contributes at least
    :math:`g_{ij} = \tilde W_i^+ \cdot H_{L,j} + \tilde W_i^- \cdot H_{U,j}`, in the target's
    own coefficients; :func:`gclkit.bounds.aggregation.least_sums` adds these up. Theorem 2 of
    :mod:`gclkit.bounds`.

    Args:
        layers: The encoder.
        traces: Boxes of all layers.
        directions: Target vectors of the target nodes.
        drops: The set.
        nodes: The target nodes. (default: all)
    """
    boxes = [trace.before.at(nodes) for trace in traces]
    k, coefficients, constant = to_last_propagation(layers, boxes, directions)
    layer, propagation = layers[k], layers[k].summing
    through = own = coefficients
    sent, root, slope = traces[k].sent, traces[k].own, constant.new_ones(1)
    if k:
        through, own = layer.by_weights(partial(pull_back, coefficients))
        sent = root = traces[k - 1].before
        slope = traces[k - 1].negative_slope
    low, high = activated_dots(root.at(nodes), slope, own)
    wanted, rows, cols = _edges_into(drops, nodes)
    values = _edge_values(sent, slope, through, rows, cols)
    m = column_least(drops, propagation, cols, values)
    if nodes is None:
        nodes, ends = torch.arange(drops.num_nodes, device=m.device), [low[:, None], high[:, None]]
    else:
        m = m.new_zeros(len(drops.target)).index_copy(0, wanted, m)
        spread = m.new_zeros(drops.num_nodes, 1)
        ends = [spread.index_copy(0, nodes, end[:, None]) for end in (low, high)]
    lists = group_by_degree(drops.target, drops.degree, nodes)
    span = [(0, int(drops.budget.max()))]
    own_box = [Box(*ends)]
    sums = least_sums(drops, propagation, lists, m[:, None], own_box, span, per_edge=True)
    return constant + sums[0][nodes, 0]


def _edges_into(drops: EdgeDropSet, nodes: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Edges into target nodes in order of the targets: their positions, the row of their target
    among the target nodes, their sender.
    """
    if nodes is None:
        every = torch.arange(len(drops.target), device=drops.target.device)
        return every, drops.target, drops.source
    position = torch.full_like(drops.degree, -1)
    position[nodes] = torch.arange(len(nodes), device=nodes.device)
    wanted = (position[drops.target] >= 0).nonzero()[:, 0]
    wanted = wanted[position[drops.target[wanted]].argsort(stable=True)]
    return wanted, position[drops.target[wanted]], drops.source[wanted]


def _edge_values(
    sent: Box, slope: Tensor, through: Float[Tensor, "t d"], rows: Tensor, cols: Tensor
) -> Float[Tensor, " k"]:
    """The least inner product of each target's coefficients with what its neighbour sends."""

    def step(low: Tensor, high: Tensor, slope: Tensor, through: Tensor) -> tuple[Tensor]:
        positive, negative = parts(through)
        low, high = activate(Box(low, high), slope)
        return (edge_dot(rows, cols, positive, low) + edge_dot(rows, cols, negative, high),)

    return by_columns(step, *sent, as_row(slope, through.shape[1], through), through)[0]

"""Node compactness: one function over three modes."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.bounds.by_count import check_boxes
from gclkit.bounds.certified import certified_bound
from gclkit.bounds.edge_drop_set import EdgeDropSet
from gclkit.bounds.layers import check_features, describe_layers, out_channels
from gclkit.bounds.pairwise import pairwise_bound
from gclkit.bounds.published import published_score
from gclkit.bounds.targets import target_vectors
from gclkit.checks import (
    check_choice,
    check_floats,
    check_indices,
    check_one_each,
    check_probability,
    reject,
)

MODES = ("certified", "pairwise", "published")
TIGHTNESS = ("budget", "interval", "two_hop")


def node_compactness(
    encoder: Any,
    x: Float[Tensor, "n f"],
    edge_index: Int[Tensor, "2 e"],
    *,
    targets: Float[Tensor, "n d"],
    p: float | None = None,
    mode: str = "pairwise",
    view_edge_index: Int[Tensor, "2 e2"] | None = None,
    nodes: Int[Tensor, " t"] | None = None,
    budget: Int[Tensor, " n"] | None = None,
    tightness: str | None = None,
    drops: EdgeDropSet | None = None,
) -> Float[Tensor, " t"]:
    r"""How well each node follows its positive rather than the others, at worst.

    The compactness of node :math:`i` on a view is :math:`q_i = T_i \cdot z_i`, with :math:`z`
    the output of the encoder on the view, not normalised, and :math:`T_i` from
    :func:`target_vectors`.

    ============= ============================================ ===============================
    mode          value                                        claim
    ============= ============================================ ===============================
    ``published`` score of the authors' code                   none
    ``pairwise``  linear bound at ``view_edge_index``          at most q on that view
    ``certified`` bound over the whole set                     at most q on every view in it
    ============= ============================================ ===============================

    Args:
        encoder: An encoder with ``layers()``, or ``[(conv, activation), ...]``,
            ``[(conv, norm, activation), ...]``; see
            :func:`gclkit.bounds.layers.describe_layers`.
        x: Features of the view, strided or ``torch.sparse_csr``; the same in all views.
        edge_index: The clean graph, both directions, no self-loops.
        targets: Embeddings of the other view, normalised inside.
        p: Drop rate; sets the budgets :math:`\min(\max(d - 1, 0), \mathrm{round}(p d))`.
        mode: One of the three.
        view_edge_index: The view, a subset of ``edge_index``. Needed by ``pairwise``, whose
            set is enlarged to hold it, and by ``published``. Where ``certified`` gets one, it
            has to lie inside the set.
        nodes: Target nodes, each once; their neighbours are not cut off, so the values equal
            those of the whole graph. (default: all)
        budget: Edges that each node may lose, instead of ``p``.
        tightness: ``"interval"`` moves every matrix entry on its own; ``"budget"`` counts
            edges; ``"two_hop"``, for ``certified`` alone, also follows the coefficients of
            the target through its neighbours: the tightest, minutes instead of seconds on
            large graphs. (default: ``"interval"`` for ``pairwise``, ``"budget"`` for
            ``certified``)
        drops: The set itself, over ``edge_index``, instead of ``p`` or ``budget``; where it was
            made of the same tensor, the edges are not sorted again.

    Returns:
        One value per target node, in the dtype of ``x``, differentiable in the parameters of
        the encoder, in ``targets`` and in a strided ``x``. A NaN stays a NaN. Bounds hold up
        to rounding in that dtype.

    Raises:
        ValueError: If a module has no bound, a slope lies outside [0, 1], there is one target
            row, widths or dtypes differ, the graph is directed, the view does not fit (see
            ``view_edge_index``), or the boxes of ``"two_hop"`` need more memory than there is.
    """
    owner = "node_compactness"
    tightness = check_mode(owner, mode, tightness)
    layers = describe_layers(owner, encoder)
    n = len(check_features(owner, layers, x))
    width = out_channels(layers, x)
    check_floats(owner, "targets", targets, dtype=x.dtype, columns=width)
    if len(targets) != n:
        reject(owner, "targets", f"of one row per node, {n}", len(targets))
    if nodes is not None:
        _check_nodes(owner, nodes, n)
    given = sum(option is not None for option in (p, budget, drops))
    if given != 1:
        reject(owner, "p", "given, or 'budget' or 'drops' instead", f"{given} of the three")
    if p is not None:
        drops = EdgeDropSet(edge_index, n, check_probability(owner, "p", p), owner=owner)
    elif budget is not None:
        check_one_each(owner, "budget", budget, n, "integer per node")
        drops = EdgeDropSet(edge_index, n, budget, owner=owner)
    elif not isinstance(drops, EdgeDropSet):
        reject(owner, "drops", "an EdgeDropSet", type(drops).__name__)
    elif drops.num_nodes != n:
        reject(owner, "drops", f"a set over the {n} nodes of 'x'", drops.num_nodes)
    elif not drops.is_of(edge_index):
        reject(owner, "drops", "a set over 'edge_index'", f"a set over {len(drops.target)} edges")
    kept = None
    if view_edge_index is not None:
        kept = drops.kept(view_edge_index)
    elif mode != "certified":
        reject(owner, "view_edge_index", f"given in mode {mode!r}", None)

    if mode == "certified" and kept is not None:
        _check_inside(owner, drops, kept)
    if tightness == "two_hop":
        check_boxes(owner, layers, x, drops)
    with torch.autocast(x.device.type, enabled=False):  # A bound rounds in the dtype of x.
        directions = target_vectors(targets, nodes=None if mode == "published" else nodes)
        if mode == "certified":
            return certified_bound(layers, x, directions, drops, nodes=nodes, tightness=tightness)
        assert kept is not None
        if mode == "pairwise":
            views = (drops.enlarged(kept), kept)
            return pairwise_bound(layers, x, directions, *views, nodes=nodes, tightness=tightness)
        score = published_score(layers, x, directions, drops, kept, owner=owner)
        return score if nodes is None else score[nodes]


def check_mode(owner: str, mode: str, tightness: str | None) -> str:
    """Returns the tightness, or its default, if mode and tightness go together, else raises."""
    check_choice(owner, "mode", mode, MODES)
    if tightness is None:
        return "budget" if mode == "certified" else "interval"
    known = TIGHTNESS if mode == "certified" else TIGHTNESS[:2]
    return check_choice(owner, "tightness", tightness, known)


def _check_inside(owner: str, drops: EdgeDropSet, kept: Tensor) -> None:
    outside = int((drops.dropped(kept) > drops.budget).sum())
    if outside:
        rule = "inside the certified set"
        reject(owner, "view_edge_index", rule, f"{outside} nodes over budget")
    if drops.symmetric and not drops.enlarged(kept).symmetric:
        rule = "inside the certified set, with both directions of each edge or none"
        reject(owner, "view_edge_index", rule, "one direction of some edges")


def _check_nodes(owner: str, nodes: Tensor, n: int) -> None:
    if not isinstance(nodes, Tensor) or nodes.dim() != 1 or nodes.dtype != torch.int64:
        reject(owner, "nodes", "a tensor [t] of dtype torch.int64", nodes)
    check_indices(owner, "nodes", nodes, n)
    if nodes.unique().numel() != nodes.numel():
        reject(owner, "nodes", "named once each", f"{nodes.numel()} for {nodes.unique().numel()}")

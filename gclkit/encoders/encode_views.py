"""Several views of one graph through one encoder, without a copy of the features each."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch_geometric.data import Data

from gclkit.checks import reject
from gclkit.encoders.gcn_conv import GCNConv
from gclkit.encoders.gnn_encoder import GNNEncoder
from gclkit.sparse import mask_columns


def encode_views(encoder: nn.Module, views: Sequence[Data]) -> tuple[Float[Tensor, "n d"], ...]:
    """Embeds the nodes of views whose ``feature_keep``, if they have it, says what they see.

    It does not matter whether ``x`` is masked already. A GCN masks the rows of its first weight
    instead of the features, and views that see the same share the first product, which on wide
    features is most of the work. In a batch of graphs that were masked one by one, strided ``x``
    is masked instead.

    Args:
        encoder: Any module that takes ``(x, edge_index)``, and ``edge_weight`` as a third where
            the views have weights.
        views: Graphs or views.

    Raises:
        ValueError: If a mask does not have one entry per column of ``x``, nor a row of them for
            each graph of a batch.
    """
    first = encoder.convs[0] if isinstance(encoder, GNNEncoder) else None
    keeps = [_kept("encode_views", view) for view in views]
    by_graph = any(keep is not None and keep.dim() == 2 for keep in keeps)
    if by_graph or not isinstance(first, GCNConv):
        return tuple(encoder(view_features(view), *edges_of(view)) for view in views)
    if all(view.x is views[0].x for view in views):
        products = first.products(views[0].x, keeps)
    else:
        products = [
            first.products(view.x, [keep])[0] for view, keep in zip(views, keeps, strict=True)
        ]
    return tuple(
        encoder(view.x, *edges_of(view), product=product)
        for view, product in zip(views, products, strict=True)
    )


def view_features(view: Data) -> Float[Tensor, "n f"]:
    """The features that a view sees: ``x``, the columns outside ``feature_keep`` set to 0.

    Raises:
        ValueError: As :func:`encode_views`.
    """
    keep = _kept("view_features", view)
    return view.x if keep is None or bool(keep.all()) else mask_columns(view.x, keep)


def edges_of(view: Data) -> tuple[Tensor, ...]:
    """The edges of a view and, where it has them, their weights, as an encoder takes them."""
    weight = view.get("edge_weight")
    return (view.edge_index,) if weight is None else (view.edge_index, weight)


def _kept(owner: str, view: Data) -> Bool[Tensor, "*n f"] | None:
    """The columns that all nodes see, or those of each where graphs were masked one by one."""
    keep, x = view.get("feature_keep"), view.x
    if keep is None:
        return None
    if len(keep) > 1 and x.layout == torch.strided:
        if keep.shape == (getattr(view, "num_graphs", 1), *x.shape[1:]):
            return keep[view.batch]
    if x.dim() != 2 or keep.shape != (1, x.size(1)):
        sparse = "" if x.layout == torch.strided else "sparse "
        rule = f"[1, f] for {sparse}'x' of shape {tuple(x.shape)}"
        reject(owner, "feature_keep", rule, tuple(keep.shape))
    return keep[0]

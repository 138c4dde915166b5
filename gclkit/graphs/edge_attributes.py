"""What a graph holds once per edge, and the cut through all of it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.data import Data


def edge_attributes(data: Data) -> list[str]:
    """Names of the tensors that a graph holds once per edge, ``edge_index`` among them.

    PyG tells them by their size. Left out are pairs of nodes that are to be predicted
    (``edge_label`` in the name, as ``RandomLinkSplit`` writes them): they are no edges, even where
    there are as many. On a graph of a single edge, where all that the graph has once would count,
    the name must have ``edge`` in it.
    """
    single = data.num_edges == 1
    return [
        key
        for key, value in data.to_dict().items()
        if isinstance(value, Tensor)
        and value.dim() > 0
        and "edge_label" not in key
        and ("edge" in key or not single)
        and data.is_edge_attr(key)
    ]


def take_edges(data: Data, at: Tensor, names: list[str] | None = None) -> None:
    """Takes edges of a graph in place, with all that :func:`edge_attributes` names.

    Adjacency matrices ``adj`` and ``adj_t`` would still hold all edges: they are left behind.

    Args:
        data: The graph.
        at: Which edges: a mask [e], or positions [k].
        names: The attributes. Who takes twice names them before: what counts depends on the
            number of edges. (default: by :func:`edge_attributes`)
    """
    names = edge_attributes(data) if names is None else names
    slices = getattr(data, "_slice_dict", {})
    if "edge_index" in slices:  # Where a batch cuts out its graphs.
        places = at.nonzero()[:, 0] if at.dtype == torch.bool else at.sort().values
        cuts = torch.searchsorted(places, slices["edge_index"].to(places.device)).cpu()
        data._slice_dict = {**slices, **dict.fromkeys(slices.keys() & set(names), cuts)}
    for key in names:
        last = data.__cat_dim__(key, data[key]) == -1
        data[key] = data[key][..., at] if last else data[key][at]
    for key in {"adj", "adj_t"} & set(data.keys()):
        del data[key]

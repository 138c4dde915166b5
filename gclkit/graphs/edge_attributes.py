"""What a graph holds once per edge, and the cut through all of it."""

from __future__ import annotations

from torch import Tensor
from torch_geometric.data import Data

# One row per graph: on a graph of a single edge PyG takes them for attributes of that edge.
OF_THE_GRAPH = ("feature_drop_weight", "feature_keep", "feature_score")


def edge_attributes(data: Data) -> list[str]:
    """Names of the tensors that a graph holds once per edge, ``edge_index`` among them.

    PyG tells them by their size. Left out are pairs of nodes that are to be predicted
    (``edge_label`` in the name, as ``RandomLinkSplit`` writes them): they are no edges, even where
    there are as many.
    """
    return [
        key
        for key, value in data.to_dict().items()
        if isinstance(value, Tensor)
        and value.dim() > 0
        and key not in OF_THE_GRAPH
        and "edge_label" not in key
        and data.is_edge_attr(key)
    ]


def take_edges(data: Data, at: Tensor) -> None:
    """Takes edges of a graph in place, with all that :func:`edge_attributes` names.

    Args:
        data: The graph.
        at: Which edges: a mask [e], or positions [k].
    """
    # Named before anything is cut: what counts as an edge attribute depends on their number.
    for key in edge_attributes(data):
        last = data.__cat_dim__(key, data[key]) == -1
        data[key] = data[key][..., at] if last else data[key][at]

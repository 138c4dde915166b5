"""Graphs in ``.npz`` files, in the layouts that are in use."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch_geometric.data import Data

from gclkit.checks import reject
from gclkit.graphs.csr_parts import Arrays, read_csr
from gclkit.graphs.features import as_features, as_labels, as_weights

_FEATURES = ("x", "node_features", "features", "attr_matrix")
_LABELS = ("y", "node_labels", "labels")
_WEIGHTS = ("edge_weight", "weights")
_MASKS = ("train_mask", "val_mask", "test_mask")


def from_arrays(owner: str, arrays: Arrays) -> Data:
    """Makes a graph from named arrays.

    Edges are ``edge_index`` [2, e], or ``edges`` [e, 2], or a compressed sparse adjacency in
    ``adj_{data,indices,indptr,shape}`` (the layout of the GNN benchmark, and of PyG's Amazon
    and Coauthor files) or in ``{data,indices,indptr,shape}`` (as ``scipy.sparse.save_npz``
    writes). Features are ``x`` [n, f] or ``node_features``, or ``attr_{data,indices,...}`` or
    ``x_{data,indices,...}``; labels are ``y``, ``node_labels`` or ``labels``; ``edge_weight``
    [e], ``num_nodes`` and the masks of a published split may be there. Other arrays are left.

    Raises:
        ValueError: If there are no edges, or an array is not what its name says.
    """
    data = Data()
    num_nodes = None
    if "edge_index" in arrays or "edges" in arrays:
        edges = arrays["edge_index"] if "edge_index" in arrays else arrays["edges"].T
        if edges.dtype.kind not in "iu":
            reject(owner, "edge_index", "of an integer dtype", str(edges.dtype))
        if edges.dtype == np.uint64 and edges.size and edges.max() > np.iinfo(np.int64).max:
            reject(owner, "edge_index", "node indices below 2**63", int(edges.max()))
        data.edge_index = torch.from_numpy(np.ascontiguousarray(edges.astype(np.int64)))
        weight = _first(arrays, _WEIGHTS)
        if weight is not None:
            data.edge_weight = as_weights(owner, "edge_weight", weight)
    elif "adj_indptr" in arrays or "indptr" in arrays:
        adjacency = read_csr(owner, arrays, "adj" if "adj_indptr" in arrays else "")
        if adjacency.shape[0] != adjacency.shape[1]:
            reject(owner, "source", "a file with a square adjacency", adjacency.shape)
        num_nodes = adjacency.shape[0]
        adjacency = adjacency.tocoo()
        pairs = np.stack([adjacency.row, adjacency.col]).astype(np.int64)
        data.edge_index = torch.from_numpy(pairs)
        if not (adjacency.data == 1).all():
            data.edge_weight = as_weights(owner, "adj_data", adjacency.data)
    else:
        reject(owner, "source", "a file with 'edge_index', 'edges' or 'adj_indptr'", sorted(arrays))

    x = _first(arrays, _FEATURES)
    for prefix in ("x", "attr"):
        if x is None and f"{prefix}_indptr" in arrays:
            x = read_csr(owner, arrays, prefix)
    if x is not None:
        data.x = as_features(owner, "x", x)
    y = _first(arrays, _LABELS)
    if y is not None:
        data.y = as_labels(owner, "y", y)
    _add_num_nodes(owner, data, arrays.get("num_nodes"), num_nodes)
    for name in _MASKS:
        if name in arrays:
            if arrays[name].dtype != np.bool_:
                reject(owner, name, "of a boolean dtype", str(arrays[name].dtype))
            data[name] = torch.from_numpy(np.ascontiguousarray(arrays[name]))
    return data


def _first(arrays: Arrays, names: tuple[str, ...]) -> np.ndarray[Any, Any] | None:
    return next((arrays[name] for name in names if name in arrays), None)


def _add_num_nodes(
    owner: str, data: Data, stated: np.ndarray[Any, Any] | None, found: int | None
) -> None:
    if stated is not None:
        if stated.size != 1 or stated.dtype.kind not in "iu" or int(stated.reshape(())) < 0:
            reject(owner, "num_nodes", "an integer of at least 0", stated.tolist())
        found = int(stated.reshape(()))
    if found is not None and data.x is None:
        data.num_nodes = found
    elif found is not None and found != data.x.size(0):
        reject(owner, "num_nodes", f"{data.x.size(0)}, the number of feature rows", found)

"""A name for the content of a graph, to stand beside every reported number."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor
from torch_geometric.data import Data

from gclkit.checks import reject
from gclkit.graphs.check_graph import check_edge_index


def dataset_hash(data: Data) -> str:
    """The first 16 hexadecimal digits of SHA-256 over nodes, edges, weights, features, labels.

    Equal content gives the same digits in every process and on every machine; the order of
    edges and the layout of the features count as content.

    Raises:
        ValueError: If the graph has no ``edge_index`` or features of a layout that no method
            takes.
    """
    check_edge_index("dataset_hash", data)
    digest = hashlib.sha256(f"nodes {data.num_nodes};".encode())
    for name in ("edge_index", "edge_weight", "x", "y"):
        value = data.get(name)
        if not isinstance(value, Tensor):
            continue
        parts = [value]
        if value.layout not in (torch.strided, torch.sparse_csr):
            reject("dataset_hash", name, "strided or CSR", value.layout)
        if value.layout == torch.sparse_csr:
            parts = [value.crow_indices(), value.col_indices(), value.values()]
        for part in parts:
            digest.update(f"{name} {tuple(value.shape)} {part.dtype};".encode())
            digest.update(_little_endian(part))
    return digest.hexdigest()[:16]


def _little_endian(value: Tensor) -> bytes:
    value = value.detach().cpu().contiguous()
    if value.dtype == torch.bfloat16:  # NumPy has no such type.
        value = value.view(torch.int16)
    array = value.numpy()
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()

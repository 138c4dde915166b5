"""A name for the content of a graph, to stand beside every reported number."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor
from torch_geometric.data import Data

from gclkit.checks import reject
from gclkit.graphs.check_graph import check_edge_index

CONTENT = ("edge_index", "edge_weight", "x", "y")


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
    for name in CONTENT:
        value = data.get(name)
        if not isinstance(value, Tensor):
            continue
        if value.layout not in (torch.strided, torch.sparse_csr):
            reject("dataset_hash", name, "strided or CSR", value.layout)
        _update(digest, name, value)
    return digest.hexdigest()[:16]


def further_hash(data: Data) -> str:
    """The same of all other tensors that a graph holds, such as communities or a diffusion."""
    digest = hashlib.sha256()
    for name, value in sorted(data.to_dict().items()):
        if isinstance(value, Tensor) and name not in CONTENT:
            _update(digest, name, value)
    return digest.hexdigest()[:16]


def _update(digest: hashlib._Hash, name: str, value: Tensor) -> None:
    parts = [value]
    if value.layout == torch.sparse_csr:
        parts = [value.crow_indices(), value.col_indices(), value.values()]
    elif value.layout != torch.strided:
        value = value.to_sparse_coo().coalesce()
        parts = [value.indices(), value.values()]
    for part in parts:
        digest.update(f"{name} {tuple(value.shape)} {part.dtype};".encode())
        digest.update(_little_endian(part))


def _little_endian(value: Tensor) -> bytes:
    value = value.detach().cpu().contiguous()
    if value.dtype == torch.bfloat16:  # NumPy has no such type.
        value = value.view(torch.int16)
    array = value.numpy()
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()

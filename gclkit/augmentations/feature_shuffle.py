"""Corruption by handing the features to other nodes."""

from __future__ import annotations

import torch
from jaxtyping import Int, Shaped
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform

from gclkit.augmentations.feature_mask import check_layout, require_features
from gclkit.checks import reject
from gclkit.sparse import csr_tensor


def permute_rows(x: Shaped[Tensor, "n f"], order: Int[Tensor, " n"]) -> Shaped[Tensor, "n f"]:
    """The rows of a feature matrix in another order; CSR stays CSR and is never made dense.

    Args:
        x: Features of any dtype, strided or CSR.
        order: Row ``i`` of the result is row ``order[i]``; a permutation.

    Raises:
        ValueError: If the features are not a matrix, or the order is of another length.
    """
    check_layout("permute_rows", x)
    if order.shape != (x.size(0),) or order.dtype != torch.int64:
        rule = f"a permutation, int64 of shape ({x.size(0)},)"
        reject("permute_rows", "order", rule, f"{order.dtype} of shape {tuple(order.shape)}")
    if x.layout != torch.sparse_csr:
        return x[order]
    start = x.crow_indices()
    counts = start.diff()[order]
    row_start = torch.zeros_like(start)
    row_start[1:] = counts.cumsum(0)
    # An entry of the result comes from its own place plus the way that its row has moved.
    size = x.values().numel()
    way = start[:-1][order] - row_start[:-1]
    entry = torch.arange(size, device=start.device)
    entry += torch.repeat_interleave(way, counts.long(), output_size=size)
    return csr_tensor(row_start, x.col_indices()[entry], x.values()[entry], x.shape)


class FeatureShuffle(BaseTransform):
    """Permutes the rows of the features: each node gets those of another.

    The corruption of "Deep Graph Infomax" (DGI, `arXiv:1809.10341
    <https://arxiv.org/abs/1809.10341>`_). The edges stay as they are.

    Args:
        generator: Source of randomness, on the device of the graph. Leave it out where worker
            processes call the transform: each draws from a copy of the same state, in every
            epoch anew. (default: the global generator)
    """

    def __init__(self, *, generator: torch.Generator | None = None) -> None:
        self.generator = generator

    def forward(self, data: Data) -> Data:
        x = require_features("FeatureShuffle", data)
        order = torch.randperm(x.size(0), generator=self.generator, device=x.device)
        data.x = permute_rows(x, order)
        return data

    def __repr__(self) -> str:
        return "FeatureShuffle()"

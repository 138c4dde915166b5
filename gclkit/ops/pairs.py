"""Sparse sets of (row, key) pairs: the entries of a similarity matrix that are left out."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor

from gclkit.checks import check_indices, check_tensor, reject


def as_pairs(owner: str, name: str, value: Tensor, rows: int, keys: int) -> Int[Tensor, "2 p"]:
    """Returns distinct pairs, sorted by row, then key.

    Args:
        owner: Name of the function that was called, for the message.
        name: Name of the argument, for the message.
        value: One key index per row (``[n]``), pairs (``[2, p]``), or a sparse matrix
            ``[n, m]`` of any layout whose stored entries are the pairs.
        rows: Number of rows ``n``.
        keys: Number of keys ``m``.

    Raises:
        ValueError: If it is no tensor, the shape fits neither form or an index is out of range.
    """
    if check_tensor(owner, name, value).layout != torch.strided:
        if tuple(value.shape) != (rows, keys):
            reject(owner, name, f"of shape ({rows}, {keys})", tuple(value.shape))
        value = value.detach().to_sparse_coo().coalesce().indices()
    if value.dtype not in (torch.int64, torch.int32):
        reject(owner, name, "integer indices", value.dtype)
    if value.dim() == 1 and value.numel() == rows:
        value = torch.stack([torch.arange(rows, device=value.device), value.long()])
    if value.dim() != 2 or value.size(0) != 2:
        reject(owner, name, f"of shape ({rows},) or (2, p), or sparse", tuple(value.shape))
    row, key = value.long()
    check_indices(owner, name, row, rows, "indices")
    check_indices(owner, name, key, keys, "indices")
    code = torch.unique(row * keys + key)
    return torch.stack([code // keys, code % keys])


class PairsByTile:
    """Pairs grouped by the tile of the matrix that they fall into.

    Args:
        pairs: Distinct pairs ``[2, p]``, or ``None`` for the empty set.
        keys: Number of columns of the matrix.
        block: Rows and columns of a tile.
    """

    def __init__(self, pairs: Int[Tensor, "2 p"] | None, keys: int, block: int) -> None:
        self.block = block
        self.across = -(-keys // block)
        self.ends: list[int] = []
        if pairs is None or pairs.size(1) == 0:
            return
        row, key = pairs
        tile = (row // block) * self.across + key // block
        tile, order = tile.sort()
        self.row, self.key = row[order] % block, key[order] % block
        self.ends = [0, *torch.bincount(tile).cumsum(0).tolist()]

    def fill(self, tile: Tensor, row: int, column: int, value: float) -> None:
        """Sets the entries of one tile that are in the set to one value.

        Args:
            tile: The tile, changed in place.
            row: First row of the tile in the matrix.
            column: First column of the tile in the matrix.
            value: What they become.
        """
        number = (row // self.block) * self.across + column // self.block
        if number + 1 < len(self.ends):
            at = slice(self.ends[number], self.ends[number + 1])
            if at.start < at.stop:
                tile[self.row[at], self.key[at]] = value

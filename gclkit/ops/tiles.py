"""Square tiles of a similarity matrix, made one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.ops.pairs import PairsByTile


@dataclass
class Tiling:
    """How a similarity matrix is cut, and which of its entries count.

    Args:
        block: Rows and columns of a tile.
        operand: Dtype of the factors of matrix products, and of a tile.
        keep: Bytes of tiles that may live from the forward to the backward pass.
        triangle: The keys are the queries: only the tiles on and right of the diagonal, and
            without the diagonal itself.
        exclude: Entries that are left out, ``[2, p]``.
        weight: Factor of each entry as a function of its similarity, without gradient.
    """

    block: int
    operand: torch.dtype
    keep: int = 0
    triangle: bool = False
    exclude: Int[Tensor, "2 p"] | None = None
    weight: Callable[[Tensor], Tensor] | None = None
    kept: dict[tuple[int, int], Tensor] = field(default_factory=dict)


class Tiles:
    r"""Iterates over the tiles of :math:`s\, Q K^{\top}` or of its exponential.

    The tile that is handed out is overwritten by the next one, unless it is kept.

    Args:
        queries: Rows of the matrix.
        keys: Columns of the matrix.
        scale: Factor :math:`s`.
        tiling: How to cut it.
        logits: Hand out fp32 logits, with :math:`-\infty` where an entry is left out,
            instead of their exponentials.
        keep: Keep tiles for a later pass, as far as the tiling allows.
    """

    def __init__(
        self,
        queries: Float[Tensor, "n d"],
        keys: Float[Tensor, "m d"],
        scale: Tensor,
        tiling: Tiling,
        *,
        logits: bool = False,
        keep: bool = False,
    ) -> None:
        self.tiling, self.logits, self.scale = tiling, logits, scale
        # A weight is a function of the similarity itself, so it must see it unscaled.
        left = queries if tiling.weight else queries * scale
        self.left, self.right = left.to(tiling.operand), keys.to(tiling.operand)
        self.sums = torch.float64 if queries.dtype == torch.float64 else torch.float32
        self.narrow = tiling.operand != self.sums
        self.pairs = PairsByTile(tiling.exclude, keys.size(0), tiling.block)
        self.buffers: dict[tuple[str, torch.dtype], Tensor] = {}
        self.room = tiling.keep if keep else 0

    def __iter__(self) -> Iterator[tuple[slice, slice, Tensor]]:
        for rows in spans(self.left.size(0), self.tiling.block):
            for columns in spans(self.right.size(0), self.tiling.block):
                if not self.tiling.triangle or columns.start >= rows.start:
                    yield rows, columns, self._tile(rows, columns)

    def scratch(self, name: str, shape: torch.Size | tuple[int, int], dtype: torch.dtype) -> Tensor:
        """Returns uninitialised memory that is used again under the same name."""
        size = shape[0] * shape[1]
        known = self.buffers.get((name, dtype))
        if known is None or known.numel() < size:
            known = self.left.new_empty(size, dtype=dtype)
            self.buffers[name, dtype] = known
        return known[:size].view(*shape)

    def wide(self, tile: Tensor) -> Tensor:
        """Returns a tile in the dtype of sums, itself where it already is."""
        if tile.dtype == self.sums:
            return tile
        return self.scratch("wide", tile.shape, self.sums).copy_(tile)

    def _tile(self, rows: slice, columns: slice) -> Tensor:
        at = rows.start, columns.start
        if at in self.tiling.kept:
            return self.tiling.kept[at]
        shape = rows.stop - rows.start, columns.stop - columns.start
        size = shape[0] * shape[1] * self.tiling.operand.itemsize
        if not self.logits and size <= self.room:
            self.room -= size
            tile = self.left.new_empty(shape)
            self.tiling.kept[at] = tile
        else:
            tile = self.scratch("tile", shape, self.tiling.operand)
        torch.mm(self.left[rows], self.right[columns].T, out=tile)
        return self._as_logits(tile, *at) if self.logits else self._as_terms(tile, *at)

    def _as_terms(self, tile: Tensor, row: int, column: int) -> Tensor:
        if self.tiling.weight is None:
            tile.exp_()
        else:
            weight = self.tiling.weight(self.wide(tile))
            tile.mul_(self.scale).exp_().mul_(weight)
        if self.tiling.triangle and row == column:
            tile.fill_diagonal_(0.0)
        self.pairs.fill(tile, row, column, 0.0)
        return tile

    def _as_logits(self, tile: Tensor, row: int, column: int) -> Tensor:
        tile = self.wide(tile)
        if self.tiling.weight is not None:
            weight = self.tiling.weight(tile)
            tile.mul_(self.scale).add_(weight.log())
        self.pairs.fill(tile, row, column, -torch.inf)
        return tile


def spans(length: int, block: int) -> list[slice]:
    """Returns the slices of at most ``block`` that cover ``range(length)``."""
    return [slice(start, min(start + block, length)) for start in range(0, length, block)]

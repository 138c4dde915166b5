"""Square tiles of a similarity matrix, made one at a time."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.ops.inputs import accumulator
from gclkit.ops.pairs import PairsByTile
from gclkit.ops.spare_memory import hand_on_memory, take_memory


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
        workers: Threads that share the tiles where they are summed up.
    """

    block: int
    operand: torch.dtype
    keep: int = 0
    triangle: bool = False
    exclude: Int[Tensor, "2 p"] | None = None
    weight: Callable[[Tensor], Tensor] | None = None
    workers: int = 1
    kept: dict[tuple[int, int], Tensor] = field(default_factory=dict)
    rooms: dict[tuple[int, int], Tensor] = field(default_factory=dict)
    memory: Tensor | None = None

    def spans(self, n: int, m: int) -> Iterator[tuple[slice, slice]]:
        """The rows and columns of each tile of an n x m matrix."""
        for rows in spans(n, self.block):
            for columns in spans(m, self.block):
                if not self.triangle or columns.start >= rows.start:
                    yield rows, columns

    def make_room(self, n: int, m: int, device: torch.device) -> None:
        """Takes the memory for the first tiles of an n x m matrix, which are kept."""
        entries = n * (n + self.block) // 2 if self.triangle else n * m
        count, used = min(entries, self.keep // self.operand.itemsize), 0
        if not count:
            return
        self.memory = take_memory(count, self.operand, device)
        for rows, columns in self.spans(n, m):
            shape = rows.stop - rows.start, columns.stop - columns.start
            end = used + shape[0] * shape[1]
            if end <= count:
                at = rows.start, columns.start
                self.rooms[at], used = self.memory[used:end].view(shape), end

    def forget(self) -> None:
        """Ends the use of kept tiles; their memory serves the next call."""
        self.kept.clear()
        self.rooms.clear()
        if self.memory is not None:
            hand_on_memory(self.memory)
        self.memory = None


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
        self.tiling, self.logits = tiling, logits
        # e^x as 2^(x log2 e): measured on CPUs, exp2 takes a third of the time of exp in fp32.
        self.factor = scale if logits else scale * math.log2(math.e)
        self.queries, self.keys = queries, keys
        self.sums = accumulator(queries.dtype)
        self.narrow = tiling.operand != self.sums
        self.pairs = PairsByTile(tiling.exclude, keys.size(0), tiling.block)
        self.buffers: dict[tuple[str, torch.dtype], Tensor] = {}
        if keep:
            tiling.make_room(queries.size(0), keys.size(0), queries.device)

    @cached_property
    def left(self) -> Tensor:
        """The queries as operand of products."""
        # A weight is a function of the similarity itself, so it must see it unscaled.
        if self.tiling.weight:
            return self.queries.to(self.tiling.operand)
        left = torch.empty_like(self.queries, dtype=self.tiling.operand)
        for rows in spans(len(left), self.tiling.block):  # Never all rows twice.
            torch.mul(self.queries[rows], self.factor, out=left[rows])
        return left

    @cached_property
    def right(self) -> Tensor:
        """The keys as operand of products."""
        return self.keys.to(self.tiling.operand)

    def parts(self, count: int) -> list[Tiles]:
        """The same tiles ``count`` times, each with scratch of its own for a thread of its own."""
        if any((a.start, b.start) not in self.tiling.kept for a, b in self.spans()):
            _ = self.left, self.right  # Parts copy operands that are cached: made once for all.
        parts = [copy.copy(self) for _ in range(count)]
        for part in parts:
            part.buffers = {}
        return parts

    def spans(self) -> Iterator[tuple[slice, slice]]:
        """The rows and columns of each tile."""
        return self.tiling.spans(self.queries.size(0), self.keys.size(0))

    def __iter__(self) -> Iterator[tuple[slice, slice, Tensor]]:
        for rows, columns in self.spans():
            yield rows, columns, self.make(rows, columns)

    def make(self, rows: slice, columns: slice) -> Tensor:
        """Returns one tile, which the next overwrites unless it is kept."""
        at = rows.start, columns.start
        if at in self.tiling.kept:
            return self.tiling.kept[at]
        shape = rows.stop - rows.start, columns.stop - columns.start
        room = None if self.logits else self.tiling.rooms.get(at)
        tile = self.scratch("tile", shape, self.tiling.operand) if room is None else room
        torch.mm(self.left[rows], self.right[columns].T, out=tile)
        if self.logits:
            return self._as_logits(tile, *at)
        if room is not None:
            self.tiling.kept[at] = room
        return self._as_terms(tile, *at)

    def scratch(self, name: str, shape: torch.Size | tuple[int, int], dtype: torch.dtype) -> Tensor:
        """Returns uninitialised memory that is used again under the same name."""
        size = shape[0] * shape[1]
        known = self.buffers.get((name, dtype))
        if known is None or known.numel() < size:
            known = self.queries.new_empty(size, dtype=dtype)
            self.buffers[name, dtype] = known
        return known[:size].view(*shape)

    def wide(self, tile: Tensor) -> Tensor:
        """Returns a tile in the dtype of sums, itself where it already is."""
        if tile.dtype == self.sums:
            return tile
        return self.scratch("wide", tile.shape, self.sums).copy_(tile)

    def _as_terms(self, tile: Tensor, row: int, column: int) -> Tensor:
        if self.tiling.weight is None:
            tile.exp2_()
        else:
            weight = self._weight(self.tiling.weight, tile)
            tile.mul_(self.factor).exp2_().mul_(weight)
        if self.tiling.triangle and row == column:
            tile.fill_diagonal_(0.0)
        self.pairs.fill(tile, row, column, 0.0)
        return tile

    def _as_logits(self, tile: Tensor, row: int, column: int) -> Tensor:
        tile = self.wide(tile)
        if self.tiling.weight is not None:
            weight = self._weight(self.tiling.weight, tile)
            tile.mul_(self.factor).add_(weight.log())
        self.pairs.fill(tile, row, column, -torch.inf)
        return tile

    def _weight(self, weight: Callable[[Tensor], Tensor], tile: Tensor) -> Tensor:
        """Returns the factors of the entries, of a copy that the function may change or return."""
        return weight(self.scratch("similarity", tile.shape, self.sums).copy_(tile))


def spans(length: int, block: int) -> list[slice]:
    """Returns the slices of at most ``block`` that cover ``range(length)``."""
    return [slice(start, min(start + block, length)) for start in range(0, length, block)]

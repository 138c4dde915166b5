"""Plain PyTorch, one tile at a time. Runs wherever PyTorch runs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gclkit.ops.first_order import first_order
from gclkit.ops.row_gradients import row_gradients
from gclkit.ops.tiles import Tiles, Tiling


class SoftplusSums(torch.autograd.Function):
    r"""``out_i = sum_j softplus(s q_i k_j)`` over the entries of the tiling."""

    @staticmethod
    def forward(ctx: Any, queries: Tensor, keys: Tensor, scale: Tensor, tiling: Tiling) -> Tensor:
        tiles = Tiles(queries, keys, scale, tiling, logits=True)
        total = queries.new_zeros(queries.size(0), dtype=tiles.sums)
        for rows, _, tile in tiles:
            out = tiles.scratch("terms", tile.shape, tile.dtype)
            total[rows] += torch.logaddexp(tile, tile.new_zeros(()), out=out).sum(dim=1)
        ctx.save_for_backward(queries, keys, scale)
        ctx.tiling = tiling
        return total

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        queries, keys, scale = ctx.saved_tensors
        tiles = Tiles(queries, keys, scale, ctx.tiling, logits=True)

        def weigh(rows: slice, columns: slice, tile: Tensor) -> Tensor:
            return tile.sigmoid_()

        needs = ctx.needs_input_grad
        return *row_gradients(tiles, queries, keys, scale, grad, weigh, needs), None

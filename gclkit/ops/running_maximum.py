"""The log-sum-exp for logits of any size: a running maximum per row, one tile at a time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gclkit.ops.first_order import first_order
from gclkit.ops.row_gradients import row_gradients
from gclkit.ops.tiles import Tiles, Tiling


class RunningMaximum(torch.autograd.Function):
    r"""``out_i = log sum_j w(q_i k_j) exp(s q_i k_j + b_j)`` over the entries of the tiling."""

    @staticmethod
    def forward(
        ctx: Any,
        queries: Tensor,
        keys: Tensor,
        scale: Tensor,
        key_bias: Tensor | None,
        tiling: Tiling,
    ) -> Tensor:
        tiles = Tiles(queries, keys, scale, tiling, logits=True)
        # The least finite number instead of -inf: (-inf) - (-inf) would be NaN.
        top = torch.full_like(queries[:, 0], torch.finfo(tiles.sums).min, dtype=tiles.sums)
        total = torch.zeros_like(top)
        for rows, columns, tile in tiles:
            if key_bias is not None:
                tile.add_(key_bias[columns])
            new_top = torch.maximum(top[rows], tile.amax(dim=1))
            tile.sub_(new_top[:, None]).exp_()
            total[rows] = total[rows] * (top[rows] - new_top).exp() + tile.sum(dim=1)
            top[rows] = new_top
        out = top + total.log()
        ctx.save_for_backward(queries, keys, scale, key_bias, out)
        ctx.tiling = tiling
        return out

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        queries, keys, scale, key_bias, out = ctx.saved_tensors
        tiles = Tiles(queries, keys, scale, ctx.tiling, logits=True)
        level = torch.where(out == -torch.inf, torch.inf, out)
        grad_bias = None
        if ctx.needs_input_grad[3]:
            grad_bias = torch.zeros_like(keys[:, 0], dtype=tiles.sums)

        def weigh(rows: slice, columns: slice, tile: Tensor) -> Tensor:
            if key_bias is not None:
                tile.add_(key_bias[columns])
            weight = tile.sub_(level[rows, None]).exp_()
            if grad_bias is not None:
                grad_bias[columns] += weight.T @ grad[rows]
            return weight

        needs = ctx.needs_input_grad
        gradients = row_gradients(tiles, queries, keys, scale, grad, weigh, needs)
        return *gradients, None if grad_bias is None else grad_bias.to(key_bias.dtype), None

"""Plain PyTorch, one tile at a time. Runs wherever PyTorch runs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gclkit.ops.first_order import first_order
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
        right = keys.to(tiles.left.dtype)
        grad_queries = torch.zeros_like(queries, dtype=tiles.sums)
        grad_keys = torch.zeros_like(keys, dtype=tiles.sums)
        for rows, columns, tile in tiles:
            weight = tile.sigmoid_().to(tiles.left.dtype)
            grad_queries[rows] += weight @ right[columns]
            if ctx.needs_input_grad[1]:
                left = (queries[rows] * grad[rows, None]).to(tiles.left.dtype)
                grad_keys[columns] += weight.T @ left
        grad_queries *= grad[:, None]
        grad_scale = None
        if ctx.needs_input_grad[2]:
            grad_scale = (queries * grad_queries).sum().to(scale.dtype)
        return (
            grad_queries.mul_(scale).to(queries.dtype),
            grad_keys.mul_(scale).to(keys.dtype) if ctx.needs_input_grad[1] else None,
            grad_scale,
            None,
        )

r"""Log-sum-exps of similarities whose logits are bounded, so that no maximum is needed.

Where no logit can leave the range of fp32 after ``exp``, a sum of exponentials is as
accurate as one with the row maximum taken out, a tile needs a single pass, and the same
tile serves the rows and the columns of the matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from gclkit.ops.first_order import first_order
from gclkit.ops.tiles import Tiles, Tiling
from gclkit.ops.workers import share_out

Sums = Iterator[tuple[Tensor, Tensor]]  # A sum, and a term that is added to it.
# exp(60) * 1e12 keys is within fp32, and so is exp(-60): sums neither overflow nor vanish.
LARGEST_LOGIT = 60.0
# Share of a row's length: below it, a narrow product is rounded less than its operands are.
NO_MEAN = 0.2


def is_bounded(queries: Tensor, keys: Tensor, scale: Tensor, key_bias: Tensor | None) -> bool:
    r"""Returns whether :math:`|s| \max|q| \max|k|` and the bias range stay in range."""
    with torch.no_grad():
        bound = scale.abs() * queries.norm(dim=1).amax() * keys.norm(dim=1).amax()
        if key_bias is not None:
            bound = bound + key_bias.amax() - key_bias.amin()
        return bool(bound <= LARGEST_LOGIT)


class RowSums(torch.autograd.Function):
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
        tiles = Tiles(queries, keys, scale, tiling, keep=True)
        factor, center = key_factor(key_bias, tiles.sums)
        total = queries.new_zeros(queries.size(0), dtype=tiles.sums)

        def terms(part: Tiles, rows: slice, columns: slice, tile: Tensor) -> Sums:
            yield total[rows], row_sum(part.wide(tile), factor, columns)

        share_out(tiles, terms)
        ctx.save_for_backward(queries, keys, scale, key_bias, total)
        ctx.tiling = tiling
        return total.log() + center

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        queries, keys, scale, key_bias, total = ctx.saved_tensors
        tiles = Tiles(queries, keys, scale, ctx.tiling)
        factor, _ = key_factor(key_bias, tiles.sums)
        share = safe_share(grad, total)
        # The weight of an entry is share_i * tile_ij * factor_j: a factor of each operand.
        query_center, left = centered(queries, share, tiles)
        key_center, right = centered(keys, factor, tiles)
        grad_queries = torch.zeros_like(queries, dtype=tiles.sums)
        grad_keys = torch.zeros_like(keys, dtype=tiles.sums)
        mass = torch.zeros_like(keys[:, 0], dtype=tiles.sums)

        def terms(part: Tiles, rows: slice, columns: slice, tile: Tensor) -> Sums:
            yield grad_queries[rows], tile @ right[columns]
            if ctx.needs_input_grad[1]:
                yield grad_keys[columns], tile.T @ left[rows]
            if ctx.needs_input_grad[3] or query_center is not None:
                yield mass[columns], part.wide(tile).T @ share[rows]

        share_out(tiles, terms)
        ctx.tiling.forget()
        grad_queries *= share[:, None]
        if key_center is not None:
            grad_queries += torch.where(total > 0, grad, 0.0)[:, None] * key_center
        if query_center is not None:
            grad_keys += mass[:, None] * query_center
        grad_bias = mass if factor is None else mass * factor
        if factor is not None:
            grad_keys *= factor[:, None]
        grad_scale = None
        if ctx.needs_input_grad[2]:
            grad_scale = (queries * grad_queries).sum().to(scale.dtype)
        return (
            grad_queries.mul_(scale).to(queries.dtype),
            grad_keys.mul_(scale).to(keys.dtype) if ctx.needs_input_grad[1] else None,
            grad_scale,
            grad_bias.to(key_bias.dtype) if ctx.needs_input_grad[3] else None,
            None,
        )


class SelfSums(torch.autograd.Function):
    r"""``out_i = log sum_{j != i} exp(s z_i z_j + b_j)``, each symmetric pair once."""

    @staticmethod
    def forward(
        ctx: Any, z: Tensor, scale: Tensor, key_bias: Tensor | None, tiling: Tiling
    ) -> Tensor:
        tiles = Tiles(z, z, scale, tiling, keep=True)
        factor, center = key_factor(key_bias, tiles.sums)
        total = z.new_zeros(z.size(0), dtype=tiles.sums)

        def terms(part: Tiles, rows: slice, columns: slice, tile: Tensor) -> Sums:
            by_row, by_column = both_sums(part, part.wide(tile), factor, rows, columns)
            yield total[rows], by_row
            if rows != columns:  # A tile on the diagonal is whole: it is its own mirror image.
                yield total[columns], by_column

        share_out(tiles, terms)
        ctx.save_for_backward(z, scale, key_bias, total)
        ctx.tiling = tiling
        return total.log() + center

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        z, scale, key_bias, total = ctx.saved_tensors
        tiles = Tiles(z, z, scale, ctx.tiling)
        factor, _ = key_factor(key_bias, tiles.sums)
        share = safe_share(grad, total)
        # Entry ij has weight tile_ij (share_i f_j + f_i share_j)
        # = f_i f_j tile_ij (share_i / f_i + share_j / f_j): the outer factors go to the operands.
        ratio = share if factor is None else share / factor
        if not ctx.needs_input_grad[1]:
            ratio = ratio * scale  # The gradient of the scale is made of that of z without it.
        center, operand = centered(z, factor, tiles)
        grad_z = torch.zeros_like(z, dtype=tiles.sums)
        grad_bias, mass = torch.zeros_like(total), torch.zeros_like(total)

        def terms(part: Tiles, rows: slice, columns: slice, tile: Tensor) -> Sums:
            if ctx.needs_input_grad[2]:
                wide = part.wide(tile)
                yield grad_bias[rows], wide @ share[columns]
                if rows != columns:
                    yield grad_bias[columns], wide.T @ share[rows]
            exact, weight = rank_two(part, tile, ratio[rows], ratio[columns])
            yield grad_z[rows], weight @ operand[columns]
            if rows != columns:
                yield grad_z[columns], weight.T @ operand[rows]
            if center is not None:
                by_row, by_column = both_sums(part, exact, factor, rows, columns)
                yield mass[rows], by_row
                if rows != columns:
                    yield mass[columns], by_column

        share_out(tiles, terms)
        ctx.tiling.forget()
        if center is not None:
            grad_z += mass[:, None] * center
        if factor is not None:
            grad_z *= factor[:, None]
            grad_bias *= factor
        grad_scale = None
        if ctx.needs_input_grad[1]:
            grad_scale = (z * grad_z).sum().to(scale.dtype) / 2
            grad_z *= scale
        return (
            grad_z.to(z.dtype),
            grad_scale,
            grad_bias.to(key_bias.dtype) if ctx.needs_input_grad[2] else None,
            None,
        )


class MutualSums(torch.autograd.Function):
    r"""The log-sum-exps of the rows and of the columns of ``s Q K^T``, each entry once."""

    @staticmethod
    def forward(
        ctx: Any, queries: Tensor, keys: Tensor, scale: Tensor, tiling: Tiling
    ) -> tuple[Tensor, Tensor]:
        tiles = Tiles(queries, keys, scale, tiling, keep=True)
        over_keys = queries.new_zeros(queries.size(0), dtype=tiles.sums)
        over_queries = queries.new_zeros(keys.size(0), dtype=tiles.sums)

        def terms(part: Tiles, rows: slice, columns: slice, tile: Tensor) -> Sums:
            wide = part.wide(tile)
            yield over_keys[rows], wide.sum(dim=1)
            yield over_queries[columns], wide.sum(dim=0)

        share_out(tiles, terms)
        ctx.save_for_backward(queries, keys, scale, over_keys, over_queries)
        ctx.tiling = tiling
        return over_keys.log(), over_queries.log()

    @staticmethod
    @first_order
    def backward(
        ctx: Any, grad_over_keys: Tensor, grad_over_queries: Tensor
    ) -> tuple[Tensor | None, ...]:
        queries, keys, scale, over_keys, over_queries = ctx.saved_tensors
        tiles = Tiles(queries, keys, scale, ctx.tiling)
        row_share = safe_share(grad_over_keys, over_keys)
        column_share = safe_share(grad_over_queries, over_queries)
        query_center, left = centered(queries, None, tiles)
        key_center, right = centered(keys, None, tiles)
        grad_queries = torch.zeros_like(queries, dtype=tiles.sums)
        grad_keys = torch.zeros_like(keys, dtype=tiles.sums)
        query_mass, key_mass = torch.zeros_like(over_keys), torch.zeros_like(over_queries)

        def terms(part: Tiles, rows: slice, columns: slice, tile: Tensor) -> Sums:
            exact, weight = rank_two(part, tile, row_share[rows], column_share[columns])
            yield grad_queries[rows], weight @ right[columns]
            yield grad_keys[columns], weight.T @ left[rows]
            if key_center is not None:
                yield query_mass[rows], exact.sum(dim=1)
            if query_center is not None:
                yield key_mass[columns], exact.sum(dim=0)

        share_out(tiles, terms)
        ctx.tiling.forget()
        if key_center is not None:
            grad_queries += query_mass[:, None] * key_center
        if query_center is not None:
            grad_keys += key_mass[:, None] * query_center
        grad_scale = None
        if ctx.needs_input_grad[2]:
            grad_scale = (queries * grad_queries).sum().to(scale.dtype)
        return (
            grad_queries.mul_(scale).to(queries.dtype),
            grad_keys.mul_(scale).to(keys.dtype),
            grad_scale,
            None,
        )


def key_factor(key_bias: Tensor | None, dtype: torch.dtype) -> tuple[Tensor | None, Tensor | float]:
    """Returns ``exp(b - center)`` and the center of the range, which keeps both ends in range."""
    if key_bias is None:
        return None, 0.0
    bias = key_bias.to(dtype)
    center = (bias.amax() + bias.amin()) / 2
    return (bias - center).exp(), center


def safe_share(grad: Tensor, total: Tensor) -> Tensor:
    """Returns ``grad / total``; a row without any term has no gradient."""
    return torch.where(total > 0, grad / total, 0.0)


def row_sum(tile: Tensor, factor: Tensor | None, columns: slice) -> Tensor:
    """Returns the sum of each row, its entries times the factors of their columns."""
    return tile.sum(dim=1) if factor is None else tile @ factor[columns]


def both_sums(
    tiles: Tiles, tile: Tensor, factor: Tensor | None, rows: slice, columns: slice
) -> tuple[Tensor, Tensor]:
    """Returns ``sum_j t_ij f_j`` of each row and ``sum_i t_ij f_i`` of each column.

    The widened copy of a narrow tile may be overwritten; a wide tile may be one that is kept.
    """
    if factor is None:
        return tile.sum(dim=1), tile.sum(dim=0)
    # Not ``tile.T @ factor``: BLAS adds the rows one after the other, at ten times the error.
    product = tile if tiles.narrow else tiles.scratch("product", tile.shape, tile.dtype)
    by_row = torch.mul(tile, factor[columns], out=product).sum(dim=1)
    return by_row, product.mul_(factor[rows, None]).sum(dim=0) / factor[columns]


def centered(rows: Tensor, factor: Tensor | None, tiles: Tiles) -> tuple[Tensor | None, Tensor]:
    r"""Returns a center, and the rows around it times their factors, as operand of products.

    A narrow operand rounds each product relative to its size, and the mean of embeddings that
    point one way would dominate it. Such a mean is taken out, :math:`W Z = W (Z - 1 \mu^{\top})
    + (W 1) \mu^{\top}`, and added in the dtype of sums. Wide operands, and rows that have
    next to no mean, need no such care: there is no center then.
    """
    center = None
    if tiles.narrow:
        mean = rows.mean(dim=0)
        if bool(mean.norm() > NO_MEAN * rows.norm() / rows.size(0) ** 0.5):
            center, rows = mean, rows - mean
    rows = rows if factor is None else rows * factor[:, None]
    return center, rows.to(tiles.tiling.operand)


def rank_two(tiles: Tiles, tile: Tensor, row: Tensor, column: Tensor) -> tuple[Tensor, Tensor]:
    """Returns ``tile * (row_i + column_j)`` in the dtype of sums, and in that of the tile.

    The factors are often next to equal: rounded by themselves they would all err one way.
    """
    outer = tiles.scratch("product", tile.shape, tiles.sums)
    torch.add(row[:, None], column, out=outer)
    outer.mul_(tiles.wide(tile))
    if not tiles.narrow:
        return outer, outer
    return outer, tiles.scratch("weight", tile.shape, tile.dtype).copy_(outer)

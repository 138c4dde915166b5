"""The backward pass of sums along rows, tile by tile, where every entry has its own weight."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from gclkit.ops.tiles import Tiles


def row_gradients(
    tiles: Tiles,
    queries: Tensor,
    keys: Tensor,
    scale: Tensor,
    grad: Tensor,
    weigh: Callable[[slice, slice, Tensor], Tensor],
    needs: Sequence[bool],
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    r"""Returns the gradients of the queries, the keys and the scale of ``out_i = f_i(s q_i K^T)``.

    .. math::
        \nabla_{q_i} = s\, g_i \sum_j w_{ij} k_j, \qquad
        \nabla_{k_j} = s \sum_i g_i w_{ij} q_i, \qquad
        \nabla_s = \sum_{ij} g_i w_{ij}\, q_i^\top k_j

    Args:
        tiles: The logits :math:`s q_i^\top k_j`.
        queries: Rows :math:`q_i`, [n, d].
        keys: Rows :math:`k_j`, [m, d].
        scale: Factor :math:`s`.
        grad: Gradients :math:`g_i` of the outputs, [n].
        weigh: The derivatives :math:`w_{ij}` of the outputs in the logits of a tile, of rows and
            columns that are given.
        needs: Whether gradients of queries, keys and scale are wanted.
    """
    right = keys.to(tiles.left.dtype)
    grad_queries = torch.zeros_like(queries, dtype=tiles.sums)
    grad_keys = torch.zeros_like(keys, dtype=tiles.sums) if needs[1] else None
    for rows, columns, tile in tiles:
        weight = weigh(rows, columns, tile).to(tiles.left.dtype)
        grad_queries[rows] += weight @ right[columns]
        if grad_keys is not None:
            left = (queries[rows] * grad[rows, None]).to(tiles.left.dtype)
            grad_keys[columns] += weight.T @ left
    grad_queries *= grad[:, None]
    grad_scale = (queries * grad_queries).sum().to(scale.dtype) if needs[2] else None
    if grad_keys is not None:
        grad_keys = grad_keys.mul_(scale).to(keys.dtype)
    return grad_queries.mul_(scale).to(queries.dtype), grad_keys, grad_scale

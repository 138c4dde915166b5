"""Log-sum-exps by the fused kernels, with their gradients."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gclkit.ops.first_order import first_order
from gclkit.ops.fused._launch import Pattern, as_operand, logsumexp, weighted_sum


class FusedRowSums(torch.autograd.Function):
    r"""``out_i = log sum_j exp(s q_i k_j + b_j)`` over the pairs that are not left out."""

    @staticmethod
    def forward(
        ctx: Any,
        queries: Tensor,
        keys: Tensor,
        scale: Tensor,
        key_bias: Tensor | None,
        exclude: Tensor | None,
        operand: torch.dtype,
    ) -> Tensor:
        left, right = (as_operand(x, operand) for x in (queries, keys))
        pattern = Pattern(exclude, queries.size(0), queries.device)
        out = logsumexp(left, right, scale.float(), _as_bias(key_bias), pattern, not_self=False)
        ctx.save_for_backward(queries, keys, scale, key_bias, exclude, out)
        ctx.operand = operand
        return out

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        queries, keys, scale, key_bias, exclude, out = ctx.saved_tensors
        left, right = (as_operand(x, ctx.operand) for x in (queries, keys))
        sums = (scale.float(), out, grad.float().contiguous(), _as_bias(key_bias))
        flipped = None if exclude is None else exclude.flip(0)
        of_queries = Pattern(exclude, queries.size(0), queries.device)
        of_keys = Pattern(flipped, keys.size(0), keys.device)
        grad_queries, _ = weighted_sum(
            left, right, *sums, of_queries, as_query=True, as_key=False, not_self=False
        )
        grad_keys, grad_bias = weighted_sum(
            right, left, *sums, of_keys, as_query=False, as_key=True, not_self=False
        )
        grad_queries = grad_queries[:, : queries.size(1)]
        grad_keys = grad_keys[:, : keys.size(1)]
        grad_scale = (queries * grad_queries).sum() if ctx.needs_input_grad[2] else None
        return (
            grad_queries.mul_(scale),
            grad_keys.mul_(scale),
            grad_scale,
            grad_bias.to(key_bias.dtype) if ctx.needs_input_grad[3] else None,
            None,
            None,
        )


class FusedSelfSums(torch.autograd.Function):
    r"""``out_i = log sum_{j != i} exp(s z_i z_j + b_j)``; one kernel gives the gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        z: Tensor,
        scale: Tensor,
        key_bias: Tensor | None,
        exclude: Tensor | None,
        operand: torch.dtype,
    ) -> Tensor:
        rows = as_operand(z, operand)
        pattern = Pattern(exclude, z.size(0), z.device)
        out = logsumexp(rows, rows, scale.float(), _as_bias(key_bias), pattern, not_self=True)
        ctx.save_for_backward(z, scale, key_bias, exclude, out)
        ctx.operand = operand
        return out

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        z, scale, key_bias, exclude, out = ctx.saved_tensors
        rows = as_operand(z, ctx.operand)
        sums = (scale.float(), out, grad.float().contiguous(), _as_bias(key_bias))
        pattern = Pattern(exclude, z.size(0), z.device)
        grad_z, grad_bias = weighted_sum(
            rows, rows, *sums, pattern, as_query=True, as_key=True, not_self=True
        )
        grad_z = grad_z[:, : z.size(1)]
        grad_scale = (z * grad_z).sum() / 2 if ctx.needs_input_grad[1] else None
        return (
            grad_z.mul_(scale),
            grad_scale,
            grad_bias.to(key_bias.dtype) if ctx.needs_input_grad[2] else None,
            None,
            None,
        )


def _as_bias(key_bias: Tensor | None) -> Tensor | None:
    return None if key_bias is None else key_bias.float().contiguous()

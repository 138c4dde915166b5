"""Linear maps whose products are taken in bfloat16."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from gclkit.bfloat16 import bfloat16_pays
from gclkit.checks import check_floats
from gclkit.sparse import sparse_product

NARROW = torch.bfloat16


class NarrowProduct(torch.autograd.Function):
    """``x W^T`` with both factors, here and in the backward pass, rounded to bfloat16.

    The factors are what is saved: half the memory of the full product. Sums are taken in
    fp32 by the hardware, and the result is in the dtype of the weight.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        narrow = x.to(NARROW), weight.to(NARROW)
        ctx.save_for_backward(*narrow)
        return F.linear(*narrow).to(weight.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        grad = grad.to(NARROW)  # Autograd casts the products to the dtypes of the inputs.
        return (
            grad @ weight if ctx.needs_input_grad[0] else None,
            grad.t() @ x if ctx.needs_input_grad[1] else None,
        )


def check_rows(
    owner: str, name: str, x: Tensor, weight: Tensor, *, sparse: bool = False
) -> Float[Tensor, "n f"]:
    """Returns ``x`` if the map takes it: rows of its width and, except under autocast, which
    casts, of its dtype.

    Args:
        owner: Function that the error message names.
        name: Argument that the error message names.
        x: The rows.
        weight: The map.
        sparse: Whether the CSR layout is allowed beside the strided one.
    """
    dtype = None if torch.is_autocast_enabled(weight.device.type) else weight.dtype
    return check_floats(owner, name, x, dtype=dtype, columns=weight.size(1), sparse=sparse)


def linear(
    x: Float[Tensor, "n f"],
    weight: Float[Tensor, "d f"],
    bias: Float[Tensor, " d"] | None = None,
    *,
    precision: str = "float32",
) -> Float[Tensor, "n d"]:
    """``x W^T + b``, as :func:`torch.nn.functional.linear`, for sparse rows and narrow factors.

    Args:
        x: Rows, strided or CSR. A sparse product is never narrowed.
        weight: The map :math:`W`.
        bias: Term of each column.
        precision: ``"float32"`` for the dtype of the parameters, or ``"bfloat16"``, which
            narrows where :func:`~gclkit.bfloat16.bfloat16_pays`.
    """
    if x.layout == torch.sparse_csr:
        h = sparse_product(x, weight.t())
    elif precision == "bfloat16" and bfloat16_pays(x.device):
        h = NarrowProduct.apply(x, weight)
    else:
        return F.linear(x, weight, bias)
    return h if bias is None else h + bias

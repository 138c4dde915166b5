"""What every two-view loss asks of its views, and unit rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from gclkit.checks import check_same_shape, reject
from gclkit.losses.temperature import inverse_temperature
from gclkit.ops.first_order import first_order
from gclkit.ops.inputs import check_alike, check_rows, entry_weights, widen


def check_views(
    owner: str,
    z1: Tensor,
    z2: Tensor,
    *,
    at_least: int = 1,
    names: tuple[str, str] = ("z1", "z2"),
) -> None:
    """Raises a ``ValueError`` unless two views are matrices of one shape, dtype and device.

    Args:
        owner: Name of the function that was called, for the message.
        z1: Embeddings of the first view, ``[n, d]``.
        z2: Embeddings of the second view, row by row of the same nodes.
        at_least: Least number of rows.
        names: Names of the two arguments, for the message.
    """
    first, second = names
    check_rows(owner, first, z1, at_least=at_least)
    check_rows(owner, second, z2, at_least=at_least)
    check_same_shape(owner, second, z2, first, z1)
    check_alike(owner, second, z2, first, z1)


def unit_views(
    owner: str, z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"], temperature: float | Tensor
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"], float | Tensor]:
    """Returns the unit rows of both views and the inverse temperature.

    Raises:
        ValueError: As :func:`check_views`; if a row is zero or the temperature out of range.
    """
    check_views(owner, z1, z2)
    scale = inverse_temperature(owner, temperature)
    return unit_rows(owner, "z1", z1), unit_rows(owner, "z2", z2), scale


def cosine_weights(owner: str, weight: Callable[[Tensor], Tensor], cosines: Tensor) -> Tensor:
    """Returns the weights of products of unit rows, of which rounding leaves some beyond [-1, 1]:
    they are put back in place, so that ``1 - s`` for instance is not negative.

    Raises:
        ValueError: If the weight is not element-wise.
    """
    return entry_weights(owner, weight, cosines.clamp_(-1, 1))


def zero_loss(*rows: Tensor) -> Float[Tensor, ""]:
    """Returns 0 with a graph: the gradients of the rows are 0 as well."""
    # Without the sum the product of a negative number would be -0.0.
    return 0.0 * torch.stack([row.sum() for row in rows]).sum() + 0.0


def unit_rows(owner: str, name: str, z: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Returns the rows divided by their Euclidean norms, in fp32 (fp64 for fp64 inputs).

    Raises:
        ValueError: If a row is zero, which has no direction.
    """
    return stack_unit_rows(owner, **{name: z})


def stack_unit_rows(owner: str, **views: Float[Tensor, "n d"]) -> Float[Tensor, "m d"]:
    """Returns the unit rows of several matrices, one below the other.

    Raises:
        ValueError: If a row is zero; names the matrix.
    """
    wide = [widen(z) for z in views.values()]
    with torch.no_grad():
        # The largest entry is taken out first: squares of tiny or huge entries leave the range.
        sizes = [z.abs().amax(dim=1, keepdim=True) for z in wide]
        for name, size in zip(views, sizes, strict=True):
            if bool((size == 0).any()):
                row = int((size[:, 0] == 0).nonzero()[0])
                rule = (
                    "free of zero rows, which have no direction; behind a last ReLU use a "
                    "Projector, or final_activation=False"
                )
                reject(owner, name, rule, f"row {row} is zero")
    return UnitRows.apply(torch.cat(sizes), *wide)


class UnitRows(torch.autograd.Function):
    """``z_i / |z_i|`` of stacked matrices in two passes; the rows are stored once."""

    @staticmethod
    def forward(ctx: Any, size: Tensor, *views: Tensor) -> Tensor:
        unit = torch.cat(views).div_(size)
        norm = unit.norm(dim=1, keepdim=True)
        unit /= norm
        ctx.save_for_backward(unit, norm, size)
        ctx.heights = [len(view) for view in views]
        return unit

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        unit, norm, size = ctx.saved_tensors
        product = unit * grad
        radial = product.sum(dim=1, keepdim=True)
        out = torch.addcmul(grad, unit, radial, value=-1, out=product).div_(norm).div_(size)
        return None, *out.split(ctx.heights)


class TwinDots(torch.autograd.Function):
    """The dot product of each row with the one half a stack further on, ``[2n, d] -> [n]``."""

    @staticmethod
    def forward(ctx: Any, stack: Tensor) -> Tensor:
        ctx.save_for_backward(stack)
        first, second = stack.chunk(2)
        return torch.mul(first, second).sum(dim=1)

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (stack,) = ctx.saved_tensors
        (first, second), out = stack.chunk(2), torch.empty_like(stack)
        half = len(first)
        torch.mul(second, grad[:, None], out=out[:half])
        torch.mul(first, grad[:, None], out=out[half:])
        return out

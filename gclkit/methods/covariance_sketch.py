"""Random sketches of embeddings that keep their covariance, as COSTA makes views."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from gclkit.checks import check_choice, check_count

# Sketches of up to this many entries are kept for the backward pass instead of drawn again.
KEPT_ENTRIES = 2**24
KINDS = ("gaussian", "sparse")


def covariance_sketch(
    z: Float[Tensor, "n d"],
    rows: int,
    *,
    kind: str = "gaussian",
    generator: torch.Generator | None = None,
    block_rows: int = 512,
) -> Float[Tensor, "m d"]:
    r"""A few random mixtures of all rows, with the same expected second moments.

    .. math:: \tilde Z = P Z, \qquad P_{ij} \sim \mathcal{N}(0, 1/m), \qquad
        \mathbb{E}[\tilde Z^\top \tilde Z] = Z^\top Z

    From COSTA (`arXiv:2206.04726 <https://arxiv.org/abs/2206.04726>`_, Section 4). The
    sketch :math:`P` is drawn in blocks of rows; a large one is drawn again in the backward
    pass from the same state of the generator instead of being kept. Draws with the same
    state give the same sketch.

    Args:
        z: Embeddings.
        rows: Number of mixtures :math:`m`.
        kind: ``"gaussian"``; or ``"sparse"``, where each node goes with a random sign to one
            mixture, equally many to each: the same expectation, at the cost of one pass over
            :obj:`z`.
        generator: Source of randomness, on the device of :obj:`z`.
            (default: the global generator)
        block_rows: Rows of :math:`P` that are drawn at a time.

    Raises:
        ValueError: For an unknown kind or a number of rows below 1.
    """
    check_choice("covariance_sketch", "kind", kind, KINDS)
    check_count("covariance_sketch", "rows", rows)
    check_count("covariance_sketch", "block_rows", block_rows)
    if kind == "sparse":
        n, device = z.size(0), z.device
        place = torch.randperm(n, generator=generator, device=device) % rows
        sign = 2 * torch.randint(2, (n, 1), generator=generator, device=device) - 1
        return z.new_zeros(rows, z.size(1)).index_add(0, place, z * sign)
    return _GaussianSketch.apply(z, rows, generator or _default_generator(z), block_rows)


class _GaussianSketch(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, z: Tensor, rows: int, generator: torch.Generator, block_rows: int
    ) -> Tensor:
        ctx.start, ctx.device = generator.get_state(), generator.device
        ctx.shape, ctx.block_rows, ctx.dtype = (rows, z.size(0)), block_rows, z.dtype
        keep = rows * z.size(0) <= KEPT_ENTRIES
        ctx.kept = [] if keep and ctx.needs_input_grad[0] else None
        out = z.new_empty(rows, z.size(1))
        for place, block in _blocks(ctx.shape, z.dtype, generator, block_rows):
            torch.mm(block, z, out=out[place])
            if ctx.kept is not None:
                ctx.kept.append((place, block))
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        out = grad.new_zeros(ctx.shape[1], grad.size(1))
        blocks = ctx.kept
        if blocks is None:
            again = torch.Generator(ctx.device)
            again.set_state(ctx.start)
            blocks = _blocks(ctx.shape, ctx.dtype, again, ctx.block_rows)
        for place, block in blocks:
            out.addmm_(block.T, grad[place])
        return out, None, None, None


def _blocks(
    shape: tuple[int, int], dtype: torch.dtype, generator: torch.Generator, block_rows: int
) -> Iterator[tuple[slice, Tensor]]:
    rows, n = shape
    for start in range(0, rows, block_rows):
        stop = min(start + block_rows, rows)
        block = torch.randn(
            stop - start, n, generator=generator, device=generator.device, dtype=dtype
        )
        yield slice(start, stop), block.mul_(rows**-0.5)


def _default_generator(z: Tensor) -> torch.Generator:
    if z.device.type == "cuda":
        return torch.cuda.default_generators[z.device.index or 0]
    return torch.default_generator

"""Whether the steps read off an encoder are all that it computes."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gclkit.bounds.modules import numbered_modules, uncompiled
from gclkit.checks import reject

# Largest difference of replayed embeddings, as a share of the largest entry: TF32 has ten bits,
# bf16 seven. Where the parameters too are narrow, so many roundings of their dtype: one in a
# hundred random encoders of four channels goes beyond, its outputs almost all zero.
TOLERANCE = {False: 1e-3, True: 3e-2}
ROUNDINGS = 8
# Of modules that hold the layers and take no edges.
NO_FORWARD = (nn.Module.forward, nn.Sequential.forward)


def own_embeddings(
    owner: str, encoder: Any, x: Float[Tensor, "n f"], edge_index: Int[Tensor, "2 e"]
) -> Any:
    """What an encoder itself makes of a graph: by its forward pass, or by its modules one after
    the other where it has none.

    Args:
        owner: For messages.
        encoder: See :func:`gclkit.bounds.layers.describe_layers`.
        x: Features.
        edge_index: The edges.
    """
    encoder = uncompiled(encoder)
    if callable(encoder) and getattr(type(encoder), "forward", None) not in NO_FORWARD:
        return encoder(x, edge_index)
    h = x.to_dense()  # PyG's layers take no other, except for GCN.
    for _, module in numbered_modules(owner, encoder):
        h = module(h, edge_index) if hasattr(module, "propagate") else module(h)
    return h


def check_replay(
    owner: str,
    name: str,
    rule: str,
    replayed: Float[Tensor, "n d"],
    z: Any,
    modules: list[nn.Module],
) -> None:
    """Raises unless replaying the steps of an encoder gave its embeddings, up to rounding.

    Args:
        owner: Function that the error message names.
        name: Argument that the error message names.
        rule: What the argument must be.
        replayed: What the steps gave.
        z: What the encoder gave.
        modules: Those of the encoder.
    """
    error, size = float("inf"), 0.0
    if isinstance(z, Tensor) and replayed.shape == z.shape:
        unlike = (replayed != z) & ~(replayed.isnan() & z.isnan())
        error = float((replayed - z).abs().where(unlike, 0).max())
        size = float(z.abs().where(z.isfinite(), 0).max())
    narrow = torch.is_autocast_enabled(replayed.device.type) or any(
        getattr(module, "precision", None) == "bfloat16" for module in modules
    )
    tolerance = max(TOLERANCE[narrow], ROUNDINGS * torch.finfo(replayed.dtype).eps)
    if not error <= tolerance * size:
        reject(owner, name, rule, f"largest difference {error:.3g}")

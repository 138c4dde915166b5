from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import Unpack

from gclkit.checks import (
    check_count,
    check_finite,
    check_non_negative,
    check_one_each,
)
from gclkit.losses.temperature import as_number, check_temperature
from gclkit.losses.two_view import two_view_contrast
from gclkit.ops import BlockOptions
from gclkit.ops.full_precision import full_precision
from gclkit.ops.inputs import check_rows, widen
from gclkit.ops.options import check_options


@full_precision
def team_up(
    z1: Float[Tensor, "n d"],
    z2: Float[Tensor, "n d"],
    strength: Float[Tensor, " n"],
    *,
    gamma: float,
    temperature: float | Float[Tensor, ""] = 0.4,
    anchors: int | None = None,
    generator: torch.Generator | None = None,
    **options: Unpack[BlockOptions],
) -> Float[Tensor, ""]:
    r"""The team-up objective of CSGCL (`arXiv:2305.04658
    <https://arxiv.org/abs/2305.04658>`_): :func:`infonce` whose logits are raised by the
    community strengths of both nodes, in the intra-view and the inter-view blocks.

    .. math::
        \ell_{uv} = \frac{\cos(\mathbf{z}_u, \mathbf{z}_v) + \gamma (S_u + S_v)}{\tau}

    The anchor's own term cancels between numerator and denominator, so the strengths act
    as a bias per key; the loss costs what :func:`infonce` costs.

    Args:
        z1: Embeddings of the first view; no row is zero.
        z2: Embeddings of the second view, row by row of the same nodes.
        strength: Strength :math:`S_u` of the community of each node.
        gamma: Coefficient :math:`\gamma \ge 0`; a schedule belongs to the caller.
        temperature: Temperature :math:`\tau > 0`, a number or a tensor, which may be learned.
        anchors: As in :func:`infonce`.
        generator: As in :func:`infonce`.
        **options: How blocks are computed, :class:`gclkit.ops.BlockOptions`.

    Returns:
        A scalar in nats, in fp32 (fp64 for fp64 inputs).

    Raises:
        ValueError: As :func:`infonce`; if :obj:`strength` is not one finite number per node.
    """
    check_rows("team_up", "z1", z1)
    check_one_each("team_up", "strength", strength, z1.size(0), "number per node")
    check_finite("team_up", "strength", strength)
    gamma = check_non_negative("team_up", "gamma", gamma)
    temperature = check_temperature("team_up", temperature)
    strength = strength.to(widen(z1).dtype)
    return two_view_contrast(
        "team_up",
        z1,
        z2,
        temperature=temperature,
        key_bias=strength * (gamma / temperature) if gamma else None,
        anchors=anchors,
        generator=generator,
        **options,
    )


class TeamUp(torch.nn.Module):
    """The settings of :func:`team_up`; ``gamma`` is given with each call.

    Args:
        temperature: As in :func:`team_up`.
        anchors: As in :func:`team_up`.
        generator: As in :func:`team_up`.
        **options: As in :func:`team_up`.
    """

    def __init__(
        self,
        temperature: float | Float[Tensor, ""] = 0.4,
        *,
        anchors: int | None = None,
        generator: torch.Generator | None = None,
        **options: Unpack[BlockOptions],
    ) -> None:
        super().__init__()
        self.temperature = check_temperature("TeamUp", temperature)
        self.anchors = None if anchors is None else check_count("TeamUp", "anchors", anchors)
        self.generator = generator
        self.options = check_options("TeamUp", **options)

    def forward(
        self,
        z1: Float[Tensor, "n d"],
        z2: Float[Tensor, "n d"],
        strength: Float[Tensor, " n"],
        *,
        gamma: float,
    ) -> Float[Tensor, ""]:
        return team_up(
            z1,
            z2,
            strength,
            gamma=gamma,
            temperature=self.temperature,
            anchors=self.anchors,
            generator=self.generator,
            **self.options,
        )

    def extra_repr(self) -> str:
        precision = self.options["precision"]
        return f"temperature={as_number(self.temperature)}, anchors={self.anchors}, {precision!r}"

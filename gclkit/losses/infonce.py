from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from typing_extensions import Unpack

from gclkit.checks import check_count
from gclkit.losses.positives import check_positives
from gclkit.losses.temperature import as_number, check_temperature
from gclkit.losses.two_view import two_view_contrast
from gclkit.ops import BlockOptions
from gclkit.ops.full_precision import full_precision
from gclkit.ops.options import check_options


@full_precision
def infonce(
    z1: Float[Tensor, "n d"],
    z2: Float[Tensor, "n d"],
    *,
    temperature: float | Float[Tensor, ""] = 0.4,
    anchors: int | None = None,
    positives: Int[Tensor, "2 p"] | None = None,
    generator: torch.Generator | None = None,
    **options: Unpack[BlockOptions],
) -> Float[Tensor, ""]:
    r"""The GRACE objective (`arXiv:2006.04131 <https://arxiv.org/abs/2006.04131>`_): InfoNCE
    with negatives from both views, mean over both directions.

    .. math::
        \ell_i = -\frac{s^{12}_{ii}}{\tau} + \log \Big(
        \sum_j e^{s^{12}_{ij}/\tau} + \sum_{j \ne i} e^{s^{11}_{ij}/\tau} \Big), \qquad
        \mathcal{L} = \frac{1}{2n} \sum_i (\ell^{1 \to 2}_i + \ell^{2 \to 1}_i)

    with cosine similarities :math:`s`. It is NT-Xent of SimCLR over the ``2n`` rows of both
    views. The similarity matrix is never held. A single node has no negatives: its loss is 0.

    Args:
        z1: Embeddings of the first view; no row is zero.
        z2: Embeddings of the second view, row by row of the same nodes.
        temperature: Temperature :math:`\tau > 0`, a number or a tensor, which may be learned.
        anchors: Number of anchors drawn per direction and call, without replacement, each
            against all keys: an unbiased estimate of value and gradient. (default: all)
        positives: Pairs ``(anchor, positive)``: the positive is a node of the other view. The
            numerator is the mean over an anchor's positives; anchors without any are left
            out of the mean. (default: each node is its own)
        generator: Source of randomness of :obj:`anchors`. (default: the global generator)
        **options: How blocks are computed, :class:`gclkit.ops.BlockOptions`.

    Returns:
        A scalar in nats, in fp32 (fp64 for fp64 inputs).

    Raises:
        ValueError: If the views differ in shape, are empty, not finite or of an integer
            dtype, or hold a zero row; if the temperature is not positive; if a backend
            cannot run; if the memory needed is not there.
    """
    if positives is not None:
        positives = check_positives("infonce", positives, z1.size(0))
    return two_view_contrast(
        "infonce",
        z1,
        z2,
        temperature=temperature,
        positives=positives,
        anchors=anchors,
        generator=generator,
        **options,
    )


class InfoNCE(torch.nn.Module):
    """The settings of :func:`infonce`.

    Args:
        temperature: As in :func:`infonce`.
        anchors: As in :func:`infonce`.
        generator: As in :func:`infonce`.
        **options: As in :func:`infonce`.
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
        self.temperature = check_temperature("InfoNCE", temperature)
        self.anchors = None if anchors is None else check_count("InfoNCE", "anchors", anchors)
        self.generator = generator
        self.options = check_options("InfoNCE", **options)

    def forward(
        self,
        z1: Float[Tensor, "n d"],
        z2: Float[Tensor, "n d"],
        *,
        positives: Int[Tensor, "2 p"] | None = None,
    ) -> Float[Tensor, ""]:
        return infonce(
            z1,
            z2,
            temperature=self.temperature,
            anchors=self.anchors,
            positives=positives,
            generator=self.generator,
            **self.options,
        )

    def extra_repr(self) -> str:
        precision = self.options["precision"]
        return f"temperature={as_number(self.temperature)}, anchors={self.anchors}, {precision!r}"

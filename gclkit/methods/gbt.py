"""GBT."""

from __future__ import annotations

from typing import Any

from jaxtyping import Float
from torch import Tensor

from gclkit.checks import check_non_negative
from gclkit.losses import barlow_twins
from gclkit.methods.uniform_views import UniformViews


class GBT(UniformViews):
    r"""GBT: the columns of two views are correlated with themselves and with nothing else.

    From "Graph Barlow Twins" (`arXiv:2106.02466 <https://arxiv.org/abs/2106.02466>`_). No
    negatives and no projector: the cost is linear in the nodes. The authors take the same
    rates for both views and batch normalisation after the first layer alone; here every layer
    has it, and the learning rate is constant after the warm-up instead of falling along a
    cosine. As in their code, no activation follows the last layer.

    Args:
        in_channels: Width of the features.
        decorrelation: Coefficient of the entries beside the diagonal. (default: one over the
            width, as in the paper)
        norm: ``"batch"``, ``"layer"`` or ``None``, in the encoder.
        activation: Of the encoder.
        final_activation: Whether the last layer has it too.
        options: Arguments of :class:`~gclkit.methods.uniform_views.UniformViews`.

    Raises:
        ValueError: For settings out of range.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        decorrelation: float | None = None,
        norm: str | None = "batch",
        activation: str = "prelu",
        final_activation: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(
            in_channels,
            norm=norm,
            activation=activation,
            final_activation=final_activation,
            **options,
        )
        if decorrelation is not None:
            check_non_negative("GBT", "decorrelation", decorrelation)
        self.decorrelation = decorrelation

    def objective(
        self, z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"]
    ) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
        """Barlow Twins of two embedded views."""
        loss = barlow_twins(z1, z2, weight=self.decorrelation)
        return loss, {"barlow_twins": loss.detach()}

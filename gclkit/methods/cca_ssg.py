"""CCA-SSG."""

from __future__ import annotations

from typing import Any

from jaxtyping import Float
from torch import Tensor

from gclkit.checks import check_non_negative
from gclkit.losses import cca_ssg
from gclkit.methods.uniform_views import UniformViews


class CCASSG(UniformViews):
    r"""CCA-SSG: two views agree column by column, and the columns are not correlated.

    From "From Canonical Correlation Analysis to Self-supervised Graph Neural Networks"
    (`arXiv:2106.12484 <https://arxiv.org/abs/2106.12484>`_). No negatives and no projector:
    the cost is linear in the nodes. As in the authors' code, no activation follows the last
    layer.

    Args:
        in_channels: Width of the features.
        decorrelation: Coefficient :math:`\lambda` of the decorrelation.
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
        decorrelation: float = 1e-3,
        activation: str = "prelu",
        final_activation: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(
            in_channels,
            activation=activation,
            final_activation=final_activation,
            **options,
        )
        self.decorrelation = check_non_negative("CCASSG", "decorrelation", decorrelation)

    def objective(
        self, z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"]
    ) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
        """Agreement and decorrelation of two embedded views."""
        loss = cca_ssg(z1, z2, weight=self.decorrelation)
        return loss, {"cca": loss.detach()}

"""The map from embeddings to the space of the loss."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gclkit.bfloat16 import PRECISIONS
from gclkit.checks import check_choice, check_count
from gclkit.encoders.narrow_linear import check_rows, linear


class Projector(nn.Module):
    r"""Two linear maps with an ELU between them: :math:`W_2\,\mathrm{ELU}(W_1 z + b_1) + b_2`.

    The projection head of GRACE (`arXiv:2006.04131 <https://arxiv.org/abs/2006.04131>`_),
    used in training only.

    Args:
        in_channels: Width :math:`d` of the embeddings.
        hidden_channels: Width between the maps.
        out_channels: Width in the loss. (default: as the input)
        precision: ``"float32"`` or ``"bfloat16"`` products.

    Raises:
        ValueError: For a width below 1 or an unknown precision.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        out_channels: int | None = None,
        *,
        precision: str = "float32",
    ) -> None:
        super().__init__()
        self.precision = check_choice("Projector", "precision", precision, PRECISIONS)
        check_count("Projector", "in_channels", in_channels)
        check_count("Projector", "hidden_channels", hidden_channels)
        out_channels = in_channels if out_channels is None else out_channels
        check_count("Projector", "out_channels", out_channels)
        self.first = nn.Linear(in_channels, hidden_channels)
        self.second = nn.Linear(hidden_channels, out_channels)

    def reset_parameters(self) -> None:
        """Draws all parameters anew."""
        self.first.reset_parameters()
        self.second.reset_parameters()

    def forward(self, z: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
        """Projects embeddings.

        Raises:
            ValueError: For embeddings of another width or, except under autocast, another
                dtype than the parameters.
        """
        check_rows("Projector", "z", z, self.first.weight)
        z = F.elu(self._map(self.first, z))
        return self._map(self.second, z)

    def _map(self, layer: nn.Linear, z: Tensor) -> Tensor:
        return linear(z, layer.weight, layer.bias, precision=self.precision)

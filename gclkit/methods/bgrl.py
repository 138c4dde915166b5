"""BGRL."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn.inits import reset

from gclkit.checks import check_count, check_floats, check_probability, reject
from gclkit.encoders import encode_views
from gclkit.losses import bootstrap_cosine
from gclkit.methods.method import StepOutput
from gclkit.methods.uniform_views import UniformViews


def target_momentum(epoch: int, *, momentum: float, epochs: int) -> float:
    r"""How much of the target encoder stays after an epoch.

    .. math:: 1 - (1 - m) \frac{1 + \cos(\pi t / T)}{2}

    From "Bootstrap your own latent" (`arXiv:2006.07733 <https://arxiv.org/abs/2006.07733>`_).

    Args:
        epoch: Epoch :math:`t`; past the last one the momentum stays at 1.
        momentum: Momentum :math:`m` at epoch 0.
        epochs: Epoch :math:`T` at which it reaches 1.
    """
    return 1 - (1 - momentum) * (1 + math.cos(math.pi * min(epoch / epochs, 1.0))) / 2


class Predictor(nn.Module):
    """The predictor of BGRL: a linear map, a PReLU, a linear map.

    Args:
        channels: Width of input and output.
        hidden_channels: Width between the maps.
    """

    def __init__(self, channels: int, hidden_channels: int) -> None:
        super().__init__()
        self.first = nn.Linear(channels, hidden_channels)
        self.activation = nn.PReLU()
        self.second = nn.Linear(hidden_channels, channels)

    def reset_parameters(self) -> None:
        """Draws all parameters anew."""
        self.first.reset_parameters()
        self.activation.reset_parameters()
        self.second.reset_parameters()

    def forward(self, z: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """Predicts what the target encoder makes of the other view.

        Raises:
            ValueError: For embeddings of another width or dtype than the parameters.
        """
        weight = self.first.weight
        check_floats("Predictor", "z", z, dtype=weight.dtype, columns=weight.size(1))
        return self.second(self.activation(self.first(z)))


class BGRL(UniformViews):
    r"""BGRL: one view predicts what a moving average of the encoder makes of the other.

    From "Large-Scale Representation Learning on Graphs via Bootstrapping" (`arXiv:2102.06514
    <https://arxiv.org/abs/2102.06514>`_). No negatives: the cost is linear in the nodes.

    .. math::
        \mathrm{mean}_i \big( 2 - \cos(q(z_{1i}), \bar z_{2i}) - \cos(q(z_{2i}), \bar z_{1i}) \big)

    As in the authors' code the target encoder starts from parameters of its own, its running
    statistics are those of its own passes, and the embeddings come from the online encoder.
    That code decays the learning rate along a cosine and takes AdamW; here it is constant
    after the warm-up. Nodes whose target is 0 are left out of the mean.

    Args:
        in_channels: Width of the features.
        out_channels: Width :math:`d` of the embeddings.
        predictor_channels: Width between the maps of the predictor.
        momentum: Share of the target encoder that stays in the first epochs, in [0, 1].
        momentum_epochs: Epoch at which that share has grown to 1 along a cosine, as many as
            there are epochs of training.
        norm: ``"batch"``, ``"layer"`` or ``None``, in the encoder.
        activation: Of the encoder.
        options: Arguments of :class:`~gclkit.methods.uniform_views.UniformViews`.

    Raises:
        ValueError: For settings out of range.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        out_channels: int = 256,
        predictor_channels: int = 512,
        momentum: float = 0.99,
        momentum_epochs: int = 1000,
        norm: str | None = "batch",
        activation: str = "prelu",
        **options: Any,
    ) -> None:
        super().__init__(
            in_channels, out_channels=out_channels, norm=norm, activation=activation, **options
        )
        check_count("BGRL", "predictor_channels", predictor_channels)
        self.momentum = check_probability("BGRL", "momentum", momentum)
        self.momentum_epochs = check_count("BGRL", "momentum_epochs", momentum_epochs)
        self.predictor = Predictor(out_channels, predictor_channels)
        self.target_encoder = copy.deepcopy(self.encoder).requires_grad_(False)
        reset(self.target_encoder)

    def reset_parameters(self) -> None:
        """Draws all parameters anew, those of the target for the encoder that is set now."""
        self.target_encoder = copy.deepcopy(self.encoder).requires_grad_(False)
        super().reset_parameters()

    def step(self, batch: Data, epoch: int) -> StepOutput:
        views, embeddings = self.encode_views(batch)
        with torch.no_grad():
            targets = list(encode_views(self.target_encoder, views))
        online = [self.predictor(z) for z in embeddings]
        # A node without edges and features has a target of 0, which has no direction.
        alive = torch.stack([target.any(dim=1) for target in targets]).all(dim=0)
        if not bool(alive.any()):
            rule = "a graph of which the target encoder makes something beside 0"
            reject("BGRL", "data", rule, "embeddings of 0")
        if not bool(alive.all()):
            online, targets = [z[alive] for z in online], [t[alive] for t in targets]
        loss = bootstrap_cosine(*online, *targets)
        return StepOutput(loss, {"bootstrap": loss.detach()}, views, embeddings)

    @torch.no_grad()
    def after_step(self, epoch: int) -> None:
        """Moves the target encoder towards the online encoder."""
        stays = target_momentum(epoch, momentum=self.momentum, epochs=self.momentum_epochs)
        for target, online in zip(
            self.target_encoder.parameters(), self.encoder.parameters(), strict=True
        ):
            target.lerp_(online, 1 - stays)

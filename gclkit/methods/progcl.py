"""ProGCL."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch_geometric.data import Data

from gclkit.checks import check_choice, check_count, reject
from gclkit.losses import mixed_infonce, weighted_infonce
from gclkit.methods.beta_mixture import BetaMixture
from gclkit.methods.gca import GCA

# A row of negatives that are all surely false still has a mean to divide by.
SMALLEST_WEIGHT = 1e-8


class ProGCL(GCA):
    r"""ProGCL: negatives count by the probability that they are true ones.

    From "ProGCL: Rethinking Hard Negative Mining in Graph Contrastive Learning"
    (`arXiv:2110.02027 <https://arxiv.org/abs/2110.02027>`_): GCA until :obj:`start_epoch`;
    then a mixture of two beta distributions is fitted to the cross-view similarities of
    some nodes, and a negative of cosine :math:`s` gets the weight

    .. math:: w(s) = P(\text{lower component} \mid \tilde s)\, \tilde s, \qquad
        \tilde s = (s + 1) / 2

    in ``variant="weight"`` as a factor, in ``variant="mix"`` to choose and mix hard ones.
    It differs from the authors' code in that the weight is a function of each similarity,
    evaluated inside the blocks of the loss: no n x n tensor is kept or made, and both blocks
    are weighed by their own, current similarities instead of frozen cross-view ones; the own
    positives are left out of the sample; and the mixture may be fitted again.

    Args:
        in_channels: Width of the features.
        variant: ``"weight"`` or ``"mix"``.
        start_epoch: Epoch at which the mixture is first fitted; before it, the loss is GCA's.
        refit_every: Epochs between two fits. (default: one fit only, as the authors)
        columns: Nodes of the second view whose similarities to all nodes are the sample.
        positive_share: Share of false negatives from which the fit starts.
        mixed: Mixed negatives per node in ``variant="mix"``.
        options: Arguments of :class:`~gclkit.methods.GCA`, without ``anchors``.

    Raises:
        ValueError: For settings out of range, and as the parts say.
    """

    fit_epoch: Tensor

    def __init__(
        self,
        in_channels: int,
        *,
        variant: str = "weight",
        start_epoch: int = 400,
        refit_every: int | None = None,
        columns: int = 100,
        positive_share: float = 0.05,
        mixed: int = 1000,
        **options: Any,
    ) -> None:
        super().__init__(in_channels, **options)
        if self.anchors is not None:
            reject("ProGCL", "anchors", "None: the weights are relative to all nodes", self.anchors)
        self.variant = check_choice("ProGCL", "variant", variant, ("weight", "mix"))
        self.start_epoch = check_count("ProGCL", "start_epoch", start_epoch)
        if refit_every is not None:
            check_count("ProGCL", "refit_every", refit_every)
        self.refit_every = refit_every
        self.columns = check_count("ProGCL", "columns", columns)
        self.mixed = check_count("ProGCL", "mixed", mixed)
        self.positive_share = positive_share  # Tells one run from another.
        self.mixture = BetaMixture(share=positive_share)
        self.register_buffer("fit_epoch", torch.zeros((), dtype=torch.int64))

    def reset_parameters(self) -> None:
        """Draws all parameters anew and forgets the mixture."""
        super().reset_parameters()
        self.fit_epoch.zero_()

    def delayed_parts(self) -> dict[str, int]:
        return {"start_epoch": self.start_epoch}

    def contrast(
        self, h1: Float[Tensor, "n k"], h2: Float[Tensor, "n k"], batch: Data, epoch: int
    ) -> Float[Tensor, ""]:
        if epoch < self.start_epoch or h1.size(0) == 1:
            return super().contrast(h1, h2, batch, epoch)
        if self._is_due(epoch):
            self.fit(h1, h2)
            self.fit_epoch.fill_(epoch)
        options = {"temperature": self.temperature, **self.block_options()}
        if self.variant == "weight":
            return weighted_infonce(h1, h2, self.weight, **options)
        return mixed_infonce(
            h1, h2, self.weight, mixed=self.mixed, generator=self.generator, **options
        )

    def _is_due(self, epoch: int) -> bool:
        last = int(self.fit_epoch)
        if last == 0:
            return True
        return self.refit_every is not None and epoch - last >= self.refit_every

    @torch.no_grad()
    def fit(self, h1: Float[Tensor, "n k"], h2: Float[Tensor, "n k"]) -> None:
        """Fits the mixture to the similarities of all nodes to some of the other view."""
        n = h1.size(0)
        order = torch.randperm(n, generator=self.generator, device=h1.device)[: self.columns]
        similarity = F.normalize(h1.detach()) @ F.normalize(h2.detach()[order]).T
        negative = torch.arange(n, device=h1.device)[:, None] != order
        self.mixture.fit(((similarity[negative] + 1) / 2).clamp(0, 1))

    def weight(self, similarity: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """The weight of negatives of given cosines, above 0."""
        shifted = similarity.add(1).mul_(0.5)
        return self.mixture.lower_posterior(shifted).mul_(shifted).clamp_(min=SMALLEST_WEIGHT)

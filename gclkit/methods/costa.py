"""COSTA."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch_geometric.data import Data

from gclkit.checks import check_choice, check_probability, reject
from gclkit.losses import clip_infonce
from gclkit.methods.covariance_sketch import KINDS, covariance_sketch
from gclkit.methods.grace import GRACE
from gclkit.methods.method import StepOutput


class COSTA(GRACE):
    r"""COSTA: contrasts random mixtures of the embeddings that keep their covariance.

    From "COSTA: Covariance-Preserving Feature Augmentation for Graph Contrastive Learning"
    (`arXiv:2206.04726 <https://arxiv.org/abs/2206.04726>`_): the embeddings of two views
    are sketched to :math:`m = n / 2` rows, projected, and contrasted with the other view
    only. ``"multi"`` draws a sketch per view, ``"single"`` one for both. It differs from
    the authors' code in that the sketch is drawn in blocks and never held for large graphs.
    The loss is exact over the sketched rows; ``anchors`` are not offered.

    Args:
        in_channels: Width of the features.
        variant: ``"single"`` or ``"multi"``.
        sketch: ``"gaussian"``, or ``"sparse"`` at a fraction of the work; see
            :func:`~gclkit.methods.covariance_sketch.covariance_sketch`.
        ratio: Rows of the sketch per node, above 0 and at most 1.
        options: Arguments of :class:`~gclkit.methods.GRACE`, without ``anchors``.

    Raises:
        ValueError: For settings out of range.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        variant: str = "single",
        sketch: str = "gaussian",
        ratio: float = 0.5,
        **options: Any,
    ) -> None:
        super().__init__(in_channels, **options)
        if self.anchors is not None:
            rule = "left unset: COSTA contrasts mixtures of nodes"
            reject("COSTA", "anchors", rule, self.anchors)
        self.variant = check_choice("COSTA", "variant", variant, ("single", "multi"))
        self.sketch = check_choice("COSTA", "sketch", sketch, KINDS)
        if check_probability("COSTA", "ratio", ratio) == 0:
            reject("COSTA", "ratio", "above 0", ratio)
        self.ratio = ratio

    def step(self, batch: Data, epoch: int) -> StepOutput:
        views, embeddings = self.encode_views(batch)
        h1, h2 = (self.projector(z) for z in self.sketch_views(*embeddings))
        loss = clip_infonce(h1, h2, temperature=self.temperature, **self.block_options())
        return StepOutput(loss, {"contrast": loss.detach()}, views, embeddings)

    def sketch_views(
        self, z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"]
    ) -> tuple[Float[Tensor, "m d"], Float[Tensor, "m d"]]:
        """Sketches of two views, of the same mixtures or of one's own each."""
        rows = max(1, int(self.ratio * z1.size(0)))
        options: dict[str, Any] = {"kind": self.sketch, "generator": self.generator}
        if self.variant == "single":
            # One product for both views, and one draw.
            both = covariance_sketch(torch.cat([z1, z2], dim=1), rows, **options)
            return both[:, : z1.size(1)], both[:, z1.size(1) :]
        return covariance_sketch(z1, rows, **options), covariance_sketch(z2, rows, **options)

"""What GRACE and its relatives share: two views, one encoder, one projector, one contrast."""

from __future__ import annotations

from typing import Any

from jaxtyping import Float
from torch import Tensor
from torch_geometric.data import Data

from gclkit.checks import check_count, check_positive
from gclkit.encoders import Projector
from gclkit.losses import infonce
from gclkit.methods.augmented_views import AugmentedViews
from gclkit.methods.method import StepOutput


class TwoViewContrast(AugmentedViews):
    r"""Two augmented views of the graph, told apart node by node.

    Subclasses give the augmentations, by :attr:`augmentations`, and may change
    :meth:`prepare` and :meth:`contrast`.

    Args:
        in_channels: Width :math:`f` of the features.
        out_channels: Width :math:`d` of the embeddings.
        projection_channels: Width between the two maps of the projector.
        temperature: Temperature of the loss, above 0.
        anchors: Draw so many anchors per step and direction against all keys: an unbiased
            estimate of the gradient at a fraction of the work. (default: all nodes)
        precision: ``"float32"`` or ``"bfloat16"`` products in encoder, projector and loss;
            the latter where the device multiplies bf16 faster.
        backend: Backend of the loss.
        memory_budget: Bytes that the loss may hold to save work in the backward pass.
        options: Arguments of :class:`~gclkit.methods.augmented_views.AugmentedViews`, those of the
            encoder too, such as ``activation`` and ``num_layers``.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        out_channels: int = 256,
        projection_channels: int = 128,
        temperature: float = 0.5,
        anchors: int | None = None,
        precision: str = "float32",
        backend: str = "auto",
        memory_budget: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(in_channels, out_channels=out_channels, precision=precision, **options)
        owner = type(self).__name__
        self.temperature = check_positive(owner, "temperature", temperature)
        self.anchors = anchors if anchors is None else check_count(owner, "anchors", anchors)
        self.precision = precision
        self.backend = backend
        self.memory_budget = memory_budget
        self.projector = Projector(out_channels, projection_channels, precision=precision)

    def step(self, batch: Data, epoch: int) -> StepOutput:
        views, embeddings = self.encode_views(batch)
        h1, h2 = map(self.projector, embeddings)
        loss = self.contrast(h1, h2, batch, epoch)
        return StepOutput(loss, {"contrast": loss.detach()}, views, embeddings)

    def contrast(
        self, h1: Float[Tensor, "n k"], h2: Float[Tensor, "n k"], batch: Data, epoch: int
    ) -> Float[Tensor, ""]:
        """The loss of two projected views: GRACE's InfoNCE unless a subclass changes it."""
        return infonce(h1, h2, temperature=self.temperature, **self.loss_options())

    def loss_options(self) -> dict[str, Any]:
        """How the loss is computed, as keyword arguments of the InfoNCE family."""
        return {**self.block_options(), "anchors": self.anchors, "generator": self.generator}

    def block_options(self) -> dict[str, Any]:
        """How the blocks of a loss are computed, as losses over all nodes take it."""
        return {
            "precision": self.precision,
            "backend": self.backend,
            "memory_budget": self.memory_budget,
        }

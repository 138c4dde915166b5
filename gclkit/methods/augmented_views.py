"""What methods with two augmented views share: the views, and one encoder for both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform, Compose

from gclkit.checks import check_probability, reject
from gclkit.encoders import encode_views
from gclkit.methods.method import Method, build_encoder


class AugmentedViews(Method):
    r"""Two augmented views of the graph and one encoder.

    Subclasses set :attr:`augmentations`, one transform or
    :class:`~torch_geometric.transforms.Compose` of them per view, and write :meth:`step`.

    Args:
        in_channels: Width :math:`f` of the features.
        out_channels: Width :math:`d` of the embeddings.
        ego: Whether :meth:`embed` lays the node alone beside the node in the graph.
        topic_neighbors: Lay diffused topics with so many neighbours beside the embeddings.
            (default: none)
        encoder: Further arguments of :class:`~gclkit.encoders.GNNEncoder`.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        out_channels: int = 256,
        ego: bool = False,
        topic_neighbors: int | None = None,
        **encoder: Any,
    ) -> None:
        super().__init__(ego=ego, topic_neighbors=topic_neighbors)
        self.encoder = build_encoder(type(self).__name__, in_channels, out_channels, **encoder)
        self.augmentations: tuple[BaseTransform, ...] = ()

    def prepare(self, data: Data, generator: torch.Generator | None = None) -> Data:
        data = super().prepare(data, generator)
        if not self.augmentations:
            owner = type(self).__name__
            reject(owner, "augmentations", "one transform for each view", self.augmentations)
        for view in self.augmentations:
            for transform in _single(view):
                transform.generator = generator
        return data

    def encode_views(self, batch: Data) -> tuple[tuple[Data, ...], tuple[Tensor, ...]]:
        """Two views of a graph or batch, and what the encoder makes of them."""
        views = tuple(augment(batch) for augment in self.augmentations)
        return views, encode_views(self.encoder, views)


def _single(transform: Any) -> list[Any]:
    """The transforms that one is composed of, or itself."""
    parts = getattr(transform, "transforms", None)
    return [transform] if parts is None else [t for part in parts for t in _single(part)]


def view_pair(
    drops: Iterable[BaseTransform], masks: Iterable[BaseTransform]
) -> tuple[Compose, ...]:
    """The two augmentations: each drops edges, then masks features."""
    return tuple(Compose([drop, mask]) for drop, mask in zip(drops, masks, strict=True))


def check_pair(owner: str, name: str, value: Sequence[float]) -> tuple[float, float]:
    """Returns one probability per view.

    Raises:
        ValueError: If there are not two, or one is not a probability.
    """
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2:
        reject(owner, name, "one probability per view, two in all", value)
    return check_probability(owner, name, value[0]), check_probability(owner, name, value[1])

"""CSGCL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch_geometric.data import Data

from gclkit.augmentations import CommunalAttributeVoting, CommunalEdgeDropping
from gclkit.checks import check_count, check_non_negative
from gclkit.communities import AddCommunities
from gclkit.communities.detect import Algorithm
from gclkit.losses import infonce, team_up
from gclkit.methods.augmented_views import check_pair, view_pair
from gclkit.methods.two_view import TwoViewContrast


def team_up_gamma(epoch: int, *, gamma_start: int, gamma_max: float) -> float:
    r"""The weight of the communities in the team-up loss.

    .. math:: \gamma_t = \min(\max(0, (t - t_0) / 100), \gamma_{\max})

    Args:
        epoch: Epoch :math:`t`, starting at 1.
        gamma_start: Epoch :math:`t_0` after which the weight grows.
        gamma_max: Its largest value.
    """
    return min(max(0.0, (epoch - gamma_start) / 100), gamma_max)


class CSGCL(TwoViewContrast):
    r"""CSGCL: communities guide what is dropped and how nodes team up in the loss.

    From "CSGCL: Community-Strength-Enhanced Graph Contrastive Learning"
    (`arXiv:2305.04658 <https://arxiv.org/abs/2305.04658>`_): communal edge dropping,
    communal attribute voting and, late in training, the team-up loss. Each direction of an
    edge is dropped on its own, as in the authors' code. Where that code divides 0 by 0 or
    takes logarithms of negative strengths, dropping is uniform here (see
    :mod:`gclkit.augmentations`); logits stay in log-sum-exp form.

    Communities that the graph holds already, by :class:`~gclkit.communities.AddCommunities` as a
    ``pre_transform`` for instance, are used; else they are detected.

    Args:
        in_channels: Width of the features.
        edge_p: Wanted rate of communal edge dropping, one per view.
        feature_p: Wanted rate of communal attribute voting, one per view.
        edge_threshold: Largest drop probability of an edge.
        feature_threshold: Largest mask probability of a feature.
        gamma_start: Epoch after which the team-up term grows.
        gamma_max: Its largest weight; it grows by 0.01 per epoch.
        community_algorithm: As in :func:`~gclkit.communities.detect`.
        community_seed: Seed of the detection.
        symmetric: Whether both directions of an edge are dropped together.
        options: Arguments of :class:`~gclkit.methods.two_view.TwoViewContrast`.

    Raises:
        ValueError: For rates that are not two probabilities, and as the parts say.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        edge_p: Sequence[float] = (0.3, 0.4),
        feature_p: Sequence[float] = (0.1, 0.1),
        edge_threshold: float = 1.0,
        feature_threshold: float = 1.0,
        gamma_start: int = 500,
        gamma_max: float = 1.0,
        community_algorithm: Algorithm = "leiden",
        community_seed: int = 0,
        symmetric: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(in_channels, **options)
        owner = type(self).__name__
        edge_p = check_pair(owner, "edge_p", edge_p)
        feature_p = check_pair(owner, "feature_p", feature_p)
        self.gamma_start = check_count(owner, "gamma_start", gamma_start, at_least=0)
        self.gamma_max = check_non_negative(owner, "gamma_max", gamma_max)
        self.communities = AddCommunities(community_algorithm, seed=community_seed)
        self.augmentations = view_pair(
            (
                CommunalEdgeDropping(p, threshold=edge_threshold, symmetric=symmetric)
                for p in edge_p
            ),
            (CommunalAttributeVoting(p, threshold=feature_threshold, fold=True) for p in feature_p),
        )

    def prepare(self, data: Data, generator: torch.Generator | None = None) -> Data:
        data = super().prepare(data, generator)
        return data if _has_communities(data) else self.communities(data)

    def delayed_parts(self) -> dict[str, int]:
        return {"gamma_start": self.gamma_start + 1} if self.gamma_max > 0 else {}

    def contrast(
        self, h1: Float[Tensor, "n k"], h2: Float[Tensor, "n k"], batch: Data, epoch: int
    ) -> Float[Tensor, ""]:
        gamma = team_up_gamma(epoch, gamma_start=self.gamma_start, gamma_max=self.gamma_max)
        if gamma == 0:
            return infonce(h1, h2, temperature=self.temperature, **self.loss_options())
        return team_up(
            h1,
            h2,
            batch.node_strength,
            gamma=gamma,
            temperature=self.temperature,
            **self.loss_options(),
        )


def _has_communities(data: Data) -> bool:
    """Whether a graph holds all that :class:`AddCommunities` writes, in its own sizes."""
    n, edges, mean = data.num_nodes, data.num_edges, data.get("edge_score_mean")
    shapes: dict[str, tuple[int | None, ...]] = {
        "community": (n,),
        "node_strength": (n,),
        "edge_score": (edges,),
        # PyG collates the number of a graph into a vector of one.
        "edge_score_mean": (1,) if isinstance(mean, Tensor) and mean.dim() else (),
        "feature_score": (1, data.num_features),
    }
    found = [(data.get(name), shape) for name, shape in shapes.items()]
    return all(isinstance(value, Tensor) and value.shape == shape for value, shape in found)

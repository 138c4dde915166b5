"""Feature masking, uniform, and the masking that every variant shares."""

from __future__ import annotations

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform

from gclkit.checks import check_probability, reject
from gclkit.graphs.check_graph import check_data
from gclkit.sparse import mask_columns


def require_features(owner: str, data: Data) -> Shaped[Tensor, "n f"]:
    """The features of a graph.

    Raises:
        ValueError: If it has none.
    """
    x = check_data(owner, data).get("x")
    if x is None:
        reject(owner, "data", "a graph with features 'x'", data)
    return check_layout(owner, x)


def check_layout(owner: str, x: Tensor) -> Shaped[Tensor, "n f"]:
    """Returns ``x`` if it is a matrix, strided or CSR, of numbers of any kind, else raises."""
    if x.dim() != 2 or x.layout not in (torch.strided, torch.sparse_csr):
        reject(
            owner, "x", "a matrix [n, f], strided or sparse CSR", f"{tuple(x.shape)}, {x.layout}"
        )
    return x


def scored_features(owner: str, data: Data, name: str, writer: str) -> Float[Tensor, " f"]:
    """What a transform wrote per feature.

    Args:
        owner: Transform that an error message names.
        data: The graph, or a part of it.
        name: The attribute, [1, f].
        writer: Transform that writes it.

    Raises:
        ValueError: If the graph does not have it, or is a batch of several graphs that differ in
            it: a mask is one for all nodes.
    """
    x, value = require_features(owner, data), data.get(name)
    if value is None:
        reject(owner, "data", f"a graph with '{name}': apply {writer} first", data)
    if value.shape != (1, x.size(1)):
        rule = f"of one graph, of shape (1, {x.size(1)}): apply {owner} before graphs are batched"
        reject(owner, name, rule, tuple(value.shape))
    return value[0]


class FeatureMask(BaseTransform):
    r"""Sets each feature column to 0, for all nodes, with probability :obj:`p`.

    From "Deep Graph Contrastive Representation Learning" (GRACE, `arXiv:2006.04131
    <https://arxiv.org/abs/2006.04131>`_). The columns kept are written to
    ``feature_keep`` [1, f], so that the realised rate can be read.

    Args:
        p: Probability of masking a column, in [0, 1].
        generator: Source of randomness, on the device of the graph. Leave it out where worker
            processes call the transform: each draws from a copy of the same state, in every
            epoch anew. (default: the global generator)
        fold: Write ``feature_keep`` only and leave ``x``, for
            :func:`~gclkit.encoders.encode_views`, which masks its first weight instead.
    """

    def __init__(
        self,
        p: float,
        *,
        generator: torch.Generator | None = None,
        fold: bool = False,
    ) -> None:
        self.p = check_probability("FeatureMask", "p", p)
        self.generator = generator
        self.fold = fold

    def forward(self, data: Data) -> Data:
        require_features("FeatureMask", data)
        return mask_features(data, self.p, self.generator, fold=self.fold)

    def __repr__(self) -> str:
        return f"FeatureMask(p={self.p})"


def mask_features(
    data: Data,
    p: float | Float[Tensor, " f"],
    generator: torch.Generator | None,
    *,
    fold: bool,
) -> Data:
    """The graph with each feature column set to 0 with a probability, its own or one for all.

    With ``fold`` the features stay as they are, for an encoder that masks the rows of its first
    weight instead (:func:`gclkit.encoders.encode_views`): no view copies the features then.
    """
    keep = torch.rand(data.x.size(1), generator=generator, device=data.x.device) >= p
    if not fold:
        data.x = mask_columns(data.x, keep)
    data.feature_keep = keep[None]
    return data

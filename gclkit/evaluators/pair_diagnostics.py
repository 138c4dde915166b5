"""Alignment, uniformity, tolerance, anisotropy and hardness: what pairs of embeddings tell.

All of them look at directions only: rows are brought to length 1. Rows of zeros, which have no
direction, count as equal to each other and orthogonal to all others, so that collapsed embeddings
do not pass for even ones. None holds more than one block of similarities, and none gives gradients.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.checks import (
    check_count,
    check_edges,
    check_one_each,
    check_positive,
    check_same_shape,
    reject,
)
from gclkit.evaluators.inputs import check_embeddings

_BLOCK = 1024  # Rows of similarities held at once.
_EDGES = 65_536  # Edges whose ends are held at once.


def alignment(z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"], *, alpha: float = 2.0) -> float:
    r"""Mean of :math:`\lVert u_i - v_i \rVert^\alpha` over positive pairs (Wang & Isola 2020).

    Args:
        z1: One of each pair.
        z2: The other; same shape.
        alpha: Exponent, positive.

    Raises:
        ValueError: If shapes differ, an input is no finite matrix of two rows or more, or
            :obj:`alpha` is not positive.
    """
    check_same_shape("alignment", "z2", z2, "z1", z1)
    check_positive("alignment", "alpha", alpha)
    pairs = torch.cat([check_embeddings("alignment", z) for z in (z1, z2)])
    u, v = _unit("alignment", pairs).chunk(2)
    return float((u - v).norm(dim=1).pow(alpha).mean())


def neighbor_alignment(
    z: Float[Tensor, "n d"], edge_index: Int[Tensor, "2 e"], *, alpha: float = 2.0
) -> float:
    r""":func:`alignment` of the two ends of all edges, a block of edges at a time.

    Args:
        z: Embeddings of the nodes.
        edge_index: Edges, one or more, on any device.
        alpha: Exponent, positive.

    Raises:
        ValueError: If :obj:`z` is no finite matrix of two rows or more, the edges are not pairs of
            its rows, or :obj:`alpha` is not positive.
    """
    check_positive("neighbor_alignment", "alpha", alpha)
    u, total = _unit("neighbor_alignment", z), 0.0
    edge_index = check_edges("neighbor_alignment", edge_index, len(u)).to(u.device)
    if not edge_index.numel():
        reject("neighbor_alignment", "edge_index", "one edge or more", tuple(edge_index.shape))
    for source, target in edge_index.split(_EDGES, dim=1):
        distance = (u[source] - u[target]).norm(dim=1)
        total += float(distance.pow_(alpha).sum(dtype=torch.float64))
    return total / edge_index.size(1)


def uniformity(z: Float[Tensor, "n d"], *, t: float = 2.0) -> float:
    r""":math:`\log \mathrm{E}_{i \neq j} \exp(-t \lVert u_i - u_j \rVert^2)`; lower is more even.

    Wang & Isola 2020, over all pairs of different nodes; 0 if all directions are equal, or all
    rows 0.

    Raises:
        ValueError: If :obj:`z` is no finite matrix of two rows or more, or :obj:`t` not positive.
    """
    check_positive("uniformity", "t", t)
    u = _unit("uniformity", z)
    total = u.new_zeros((), dtype=torch.float64)
    for _, cosine in _blocks(u):
        # exp of a number from -4t to 0 cannot overflow; the diagonal holds -inf.
        total += (2 * t * (cosine - 1)).exp().sum(dtype=torch.float64)
    return float((total / (len(u) * (len(u) - 1))).log())


def anisotropy(z: Float[Tensor, "n d"]) -> float:
    r"""Mean cosine over pairs of different nodes; 1 if all directions are equal.

    From the sum of the unit rows, :math:`(\lVert \sum_i u_i \rVert^2 - n) / (n(n-1))`.

    Raises:
        ValueError: If :obj:`z` is no finite matrix of two rows or more.
    """
    u = _unit("anisotropy", z).double()
    n = len(u)
    return float((u.sum(dim=0).square().sum() - u.square().sum()) / (n * (n - 1)))


def tolerance(z: Float[Tensor, "n d"], y: Int[Tensor, " n"], *, conditional: bool = False) -> float:
    r"""Mean of :math:`u_i^\top u_j \, [y_i = y_j]` over pairs of different nodes.

    Wang & Liu 2021. From the sums of the unit rows of each class.

    Args:
        z: Embeddings.
        y: Classes, numbered from 0.
        conditional: Divide by the pairs of one class rather than by all; NaN without such pairs.

    Raises:
        ValueError: If :obj:`z` is no finite matrix of two rows or more, or a row has no class.
    """
    u = _unit("tolerance", z).double()
    y = check_one_each("tolerance", "y", y, len(u), "label per node").to(u.device)
    y = y.unique(return_inverse=True)[1]
    sums = u.new_zeros(int(y.max()) + 1, u.size(1)).index_add(0, y, u)
    same = float(sums.square().sum() - u.square().sum())
    sizes = torch.bincount(y).double()
    pairs = float((sizes * (sizes - 1)).sum()) if conditional else len(u) * (len(u) - 1)
    return same / pairs if pairs else float("nan")


@dataclass(frozen=True)
class Hardness:
    """How the penalty of a contrastive loss spreads over the negatives, means over the anchors.

    Args:
        entropy: Of the relative penalties, in nats, from 0 (one negative) to ln(n - 1).
        effective_negatives: Exponential of the entropy of each anchor.
        hardest: Largest relative penalty of each anchor, in (0, 1].
        negative_similarity: Cosine of the negatives weighted by their penalty.
    """

    entropy: float
    effective_negatives: float
    hardest: float
    negative_similarity: float


def hardness(z: Float[Tensor, "n d"], *, temperature: float = 0.5) -> Hardness:
    r"""Relative penalties :math:`r_{ij} = \mathrm{softmax}_{j \neq i}(u_i^\top u_j / \tau)`.

    Wang & Liu 2021, with the other nodes as negatives.

    Args:
        z: Embeddings of two or more nodes.
        temperature: :math:`\tau`, positive.

    Raises:
        ValueError: If :obj:`z` is no finite matrix of two rows or more, or the temperature is not
            positive.
    """
    check_positive("hardness", "temperature", temperature)
    u = _unit("hardness", z)
    sums = u.new_zeros(4, dtype=torch.float64)
    for _, cosine in _blocks(u):
        logits = cosine / temperature
        log_share = logits - logits.logsumexp(dim=1, keepdim=True)
        share = log_share.exp()
        entropy = -torch.where(share > 0, share * log_share, 0.0).sum(dim=1)
        expected = torch.where(share > 0, share * cosine, 0.0).sum(dim=1)
        columns = [entropy, entropy.exp(), share.amax(dim=1), expected]
        sums += torch.stack(columns).sum(dim=1, dtype=torch.float64)
    return Hardness(*(sums / len(u)).tolist())


def similarity_histograms(
    z: Float[Tensor, "n d"], y: Int[Tensor, " n"], *, bins: int = 60
) -> dict[str, list[float]]:
    """Cosines of pairs of one class (positive) and of two classes (negative), binned.

    Args:
        z: Embeddings.
        y: Classes.
        bins: Bins from -1 to 1.

    Returns:
        ``{"edges": [bins + 1], "positive": [bins], "negative": [bins]}``; each unordered pair
        counts once.

    Raises:
        ValueError: If :obj:`z` is no finite matrix of two rows or more, a row has no class, or
            :obj:`bins` is not an integer of at least 1.
    """
    check_count("similarity_histograms", "bins", bins)
    u = _unit("similarity_histograms", z)
    y = check_one_each("similarity_histograms", "y", y, len(u), "label per node").to(u.device)
    counts = torch.zeros(2 * bins, dtype=torch.int64, device=u.device)
    for rows, cosine in _blocks(u):
        bin_ = ((cosine.clamp(-1, 1) + 1) * (bins / 2)).long().clamp_(max=bins - 1)
        bin_ += bins * (y[rows, None] != y)
        upper = torch.arange(len(u), device=u.device) > rows[:, None]
        counts += torch.bincount(bin_[upper], minlength=2 * bins)
    positive, negative = counts.view(2, bins).tolist()
    edges = torch.linspace(-1, 1, bins + 1, dtype=torch.float64).tolist()
    return {"edges": edges, "positive": positive, "negative": negative}


def _unit(owner: str, z: Tensor) -> Tensor:
    z = check_embeddings(owner, z)
    size = torch.linalg.vector_norm(z, torch.inf, dim=1, keepdim=True)
    if float(size.min()) < 1e-12:
        # Shorter rows F.normalize would leave as they are. Those of zeros get their own dimension.
        dead = (size == 0).to(z.dtype)
        z = torch.cat([torch.where(size < 1e-12, z / (size + dead), z), dead], dim=1)
    return F.normalize(z, dim=1)


def _blocks(u: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Rows and their cosines with all rows, -inf with themselves."""
    for rows in torch.arange(len(u), device=u.device).split(_BLOCK):
        cosine = u[rows] @ u.T
        cosine[torch.arange(len(rows), device=u.device), rows] = -torch.inf
        yield rows, cosine

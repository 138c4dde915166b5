"""The neighbourhood sums of the supported layers, as functions of the remaining degree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Propagation:
    r"""One neighbourhood sum :math:`y_i = w(d_i) \sum_{j \in N(i)} c(d_j) u_j + s(d_i) v_i`.

    :math:`d` is the degree of the view at hand, without the self-loop. Symmetric
    normalisation, mean and sum differ in the three factors only; :math:`w, c \ge 0` do not
    fall when edges vanish (mean: as long as one edge is left), which every bound relies on.

    Args:
        name: For messages.
        row: :math:`w`, factor of the receiving node.
        column: :math:`c`, factor of the sending node.
        root: :math:`s`, factor of the node's own term.
        parameters: What the factors read and may be trained.
    """

    name: str
    row: Callable[[Tensor], Tensor]
    column: Callable[[Tensor], Tensor]
    root: Callable[[Tensor], Tensor]
    parameters: tuple[Tensor, ...] = ()


def gcn() -> Propagation:
    r"""Symmetric normalisation with self-loops: :math:`w = c = (d + 1)^{-1/2}`,
    :math:`s = 1 / (d + 1)`
    (`arXiv:1609.02907 <https://arxiv.org/abs/1609.02907>`_).
    """

    def inverse_root(degree: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        return (degree + 1).rsqrt()

    def root(degree: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        return 1 / (degree + 1)

    return Propagation("GCN", inverse_root, inverse_root, root)


def sage_mean() -> Propagation:
    r"""The mean over the neighbours, 0 for a node without any: :math:`w = 1/\max(d, 1)`,
    :math:`c = s = 1` (`arXiv:1706.02216 <https://arxiv.org/abs/1706.02216>`_).
    """
    return Propagation("SAGE", lambda d: 1 / d.clamp(min=1), torch.ones_like, torch.ones_like)


def gin_sum(epsilon: Tensor) -> Propagation:
    r"""The sum over the neighbours: :math:`w = c = 1`, :math:`s = 1 + \varepsilon`
    (`arXiv:1810.00826 <https://arxiv.org/abs/1810.00826>`_).
    """

    def root(degree: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        return torch.ones_like(degree) + epsilon.to(degree)

    return Propagation("GIN", torch.ones_like, torch.ones_like, root, (epsilon,))

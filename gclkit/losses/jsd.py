from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import Unpack

from gclkit.losses.budget import plan_calls
from gclkit.losses.softplus import softplus
from gclkit.losses.views import check_views
from gclkit.ops import BlockOptions, similarity_softplus
from gclkit.ops.full_precision import full_precision
from gclkit.ops.inputs import check_products, widen
from gclkit.ops.options import check_options


@full_precision
def jsd(
    z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"], **options: Unpack[BlockOptions]
) -> Float[Tensor, ""]:
    r"""The negated Jensen-Shannon estimate of the mutual information of two views, node
    against node (f-GAN, `arXiv:1606.00709 <https://arxiv.org/abs/1606.00709>`_; Deep InfoMax,
    `arXiv:1808.06670 <https://arxiv.org/abs/1808.06670>`_, Eq. 4).

    .. math::
        \mathcal{L} = \frac{1}{n} \sum_i \mathrm{sp}(-s_{ii})
        + \frac{1}{n (n - 1)} \sum_{i \ne j} \mathrm{sp}(s_{ij}) - 2 \log 2, \qquad
        \mathrm{sp}(x) = \log(1 + e^x)

    with dot products :math:`s_{ij}` of node i in view 1 and node j in view 2. It is 0 where
    all scores are 0. A pair that is not a negative contributes nothing.

    Args:
        z1: Embeddings of the first view, two rows or more. They are not normalised.
        z2: Embeddings of the second view, row by row of the same nodes.
        **options: How blocks are computed, :class:`gclkit.ops.BlockOptions`.

    Returns:
        A scalar in nats, in fp32 (fp64 for fp64 inputs).

    Raises:
        ValueError: If the views differ in shape, have fewer than two rows, or are not finite,
            so large that scores overflow or of an integer dtype; if the memory needed is not
            there.
    """
    check_views("jsd", z1, z2, at_least=2)
    check_products("jsd", "z1", z1, z2)
    n = z1.size(0)
    options = plan_calls("jsd", widen(z1), n, n, nodes=n, **options)
    positive = softplus(-(widen(z1) * widen(z2)).sum(dim=1)).mean()
    own = torch.arange(n, device=z1.device)
    negative = similarity_softplus(z1, z2, 1.0, own, **options).sum() / (n * (n - 1))
    return positive + negative - 2 * math.log(2)


class JSD(torch.nn.Module):
    """The settings of :func:`jsd`.

    Args:
        **options: As in :func:`jsd`.
    """

    def __init__(self, **options: Unpack[BlockOptions]) -> None:
        super().__init__()
        self.options = check_options("JSD", **options)

    def forward(self, z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
        return jsd(z1, z2, **self.options)

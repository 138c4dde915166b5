from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import Unpack

from gclkit.losses.budget import plan_calls
from gclkit.losses.softplus import softplus
from gclkit.losses.temperature import as_number, check_temperature
from gclkit.losses.views import unit_views, zero_loss
from gclkit.ops import BlockOptions, mutual_logsumexp
from gclkit.ops.full_precision import full_precision
from gclkit.ops.options import check_options


@full_precision
def clip_infonce(
    z1: Float[Tensor, "n d"],
    z2: Float[Tensor, "n d"],
    *,
    temperature: float | Float[Tensor, ""] = 0.5,
    **options: Unpack[BlockOptions],
) -> Float[Tensor, ""]:
    r"""InfoNCE with negatives of the other view only, mean over both directions, as in CLIP
    (`arXiv:2103.00020 <https://arxiv.org/abs/2103.00020>`_) and COSTA.

    .. math::
        \mathcal{L} = \frac{1}{2n} \sum_i \Big( \log \sum_j e^{s_{ij}/\tau}
        + \log \sum_j e^{s_{ji}/\tau} \Big) - \frac{1}{n} \sum_i \frac{s_{ii}}{\tau}

    with cosine similarities :math:`s_{ij}` of node i in view 1 and node j in view 2. Each
    block of the matrix serves both directions. A single node gives 0.

    Args:
        z1: Embeddings of the first view; no row is zero.
        z2: Embeddings of the second view, row by row of the same nodes.
        temperature: Temperature :math:`\tau > 0`, a number or a tensor, which may be learned.
        **options: How blocks are computed, :class:`gclkit.ops.BlockOptions`.

    Returns:
        A scalar in nats, in fp32 (fp64 for fp64 inputs).

    Raises:
        ValueError: As :func:`gclkit.losses.infonce`.
    """
    owner = "clip_infonce"
    u1, u2, scale = unit_views(owner, z1, z2, temperature)
    n = u1.size(0)
    options = plan_calls(owner, u1, n, n, nodes=n, **options)
    if n == 1:
        return zero_loss(u1, u2)
    own = torch.arange(n, device=u1.device)
    positive = scale * (u1 * u2).sum(dim=1)
    forth, back = mutual_logsumexp(u1, u2, scale, own, **options)
    return (softplus(forth - positive) + softplus(back - positive)).mean() / 2


class ClipInfoNCE(torch.nn.Module):
    """The settings of :func:`clip_infonce`.

    Args:
        temperature: As in :func:`clip_infonce`.
        **options: As in :func:`clip_infonce`.
    """

    def __init__(
        self, temperature: float | Float[Tensor, ""] = 0.5, **options: Unpack[BlockOptions]
    ) -> None:
        super().__init__()
        self.temperature = check_temperature("ClipInfoNCE", temperature)
        self.options = check_options("ClipInfoNCE", **options)

    def forward(self, z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
        return clip_infonce(z1, z2, temperature=self.temperature, **self.options)

    def extra_repr(self) -> str:
        return f"temperature={as_number(self.temperature)}"

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gclkit.losses.views import check_views, unit_rows
from gclkit.ops.full_precision import full_precision


@full_precision
def bootstrap_cosine(
    prediction1: Float[Tensor, "n d"],
    prediction2: Float[Tensor, "n d"],
    target1: Float[Tensor, "n d"],
    target2: Float[Tensor, "n d"],
) -> Float[Tensor, ""]:
    r"""The objective of BGRL (`arXiv:2102.06514 <https://arxiv.org/abs/2102.06514>`_, Eq. 2,
    in both directions).

    .. math::
        \mathcal{L} = \frac{1}{n} \sum_i \big( 2 - \cos(q(\mathbf{z}^1_i), \mathbf{t}^2_i)
        - \cos(q(\mathbf{z}^2_i), \mathbf{t}^1_i) \big)

    No gradient flows into the targets.

    Args:
        prediction1: Predictor output of the online network for view 1; no row is zero.
        prediction2: The same for view 2.
        target1: Output of the target network for view 1; no row is zero.
        target2: The same for view 2.

    Returns:
        A scalar in [0, 4], in fp32 (fp64 for fp64 inputs).

    Raises:
        ValueError: If shapes differ, or an input is empty, not finite or has a zero row.
    """
    owner = "bootstrap_cosine"
    check_views(owner, prediction1, prediction2, names=("prediction1", "prediction2"))
    terms = []
    pairs = (("1", prediction1, "2", target2), ("2", prediction2, "1", target1))
    for online, prediction, other, target in pairs:
        names = f"prediction{online}", f"target{other}"
        check_views(owner, prediction, target, names=names)
        p = unit_rows(owner, names[0], prediction)
        t = unit_rows(owner, names[1], target.detach())
        terms.append((1.0 - (p * t).sum(dim=1)).mean())
    return torch.stack(terms).sum()


class BootstrapCosine(torch.nn.Module):
    """:func:`bootstrap_cosine` as a module; it has no settings."""

    def forward(
        self,
        prediction1: Float[Tensor, "n d"],
        prediction2: Float[Tensor, "n d"],
        target1: Float[Tensor, "n d"],
        target2: Float[Tensor, "n d"],
    ) -> Float[Tensor, ""]:
        return bootstrap_cosine(prediction1, prediction2, target1, target2)

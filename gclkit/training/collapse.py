"""Embeddings that have collapsed, and why."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

from gclkit.checks import check_floats

CHECKED_EPOCHS = (5, 10, 20)


class CollapseWarning(UserWarning):
    """The embeddings carry no information any more; training will not recover by itself."""


def diagnose_collapse(loss: float, embeddings: Sequence[Tensor]) -> str | None:
    r"""The sign of a collapse, if there is one.

    Args:
        loss: The loss of the step.
        embeddings: Encoder outputs of the step, [n, d] each.

    Returns:
        One of: all entries 0 (dead ReLUs), all rows equal, or the loss at
        :math:`\ln(2n - 1)`, where InfoNCE stays when all similarities are equal; or
        ``None``.
    """
    for z in embeddings:
        z = check_floats("diagnose_collapse", "embeddings", z).detach()
        if z.size(0) < 2 or z.size(1) == 0:
            continue
        largest = float(z.abs().max())
        if largest == 0:
            return "every embedding is 0: all ReLUs of the last layer are dead"
        spread = float((z - z[:1]).abs().max())
        if spread <= 1e-5 * largest:
            return "all embeddings are equal"
        n = z.size(0)
        if math.isclose(loss, math.log(2 * n - 1), rel_tol=1e-5):
            return f"the loss stays at ln(2n - 1) = {math.log(2 * n - 1):.4f}"
    return None


def warn_of_collapse(
    epoch: int,
    loss: float,
    embeddings: Sequence[Tensor],
    *,
    lr: float,
    warmup: int,
    x: Tensor | None = None,
) -> bool:
    """Warns with the cause when the embeddings have collapsed, in one of the first 20 epochs.

    Args:
        epoch: The epoch, starting at 1; only a few are checked.
        loss: The loss of the step.
        embeddings: Encoder outputs of the step.
        lr: The learning rate, for the advice.
        warmup: The warm-up in epochs, for the advice.
        x: The features, which may be the cause.

    Returns:
        Whether it warned.
    """
    if epoch not in CHECKED_EPOCHS:
        return False
    with torch.no_grad():
        sign = diagnose_collapse(loss, embeddings)
    if sign is None:
        return False
    longer = "a longer warm-up" if warmup else "a warm-up (warmup=50)"
    cause = (
        f"the first steps at lr={lr:g} were too large; use {longer}, a smaller lr, "
        "activation='prelu' or another seed"
    )
    if x is not None and not bool((x.values() if x.layout == torch.sparse_csr else x).any()):
        cause = "every feature of the graph is 0"
    warnings.warn(
        f"collapsed by epoch {epoch}: {sign}. Likely cause: {cause}.",
        CollapseWarning,
        stacklevel=3,
    )
    return True

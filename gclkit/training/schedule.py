"""The step of the optimiser, epoch by epoch."""

from __future__ import annotations

import math

SCHEDULES = ("constant", "cosine")


def scheduled_lr(lr: float, epoch: int, *, epochs: int, warmup: int, schedule: str) -> float:
    r"""The step in one epoch: a linear warm-up, then constant or along half a cosine.

    .. math::
        \eta_t = \eta \cdot \begin{cases} t / w & t \le w \\
        \tfrac12 \big(1 + \cos(\pi \frac{t - w}{T - w + 1})\big) & t > w \end{cases}

    The cosine (`arXiv:1608.03983 <https://arxiv.org/abs/1608.03983>`_, without restarts) ends
    just above 0 in the last epoch.

    Args:
        lr: Step :math:`\eta` after the warm-up, above 0.
        epoch: Epoch :math:`t`, from 1.
        epochs: Length :math:`T` of the training, read by the cosine alone.
        warmup: Epochs :math:`w` of the warm-up.
        schedule: ``"constant"`` or ``"cosine"``.
    """
    if epoch <= warmup:
        return lr * epoch / warmup
    if schedule == "constant":
        return lr
    done = (epoch - warmup) / max(1, epochs - warmup + 1)
    return lr * 0.5 * (1 + math.cos(math.pi * done))

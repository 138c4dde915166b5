"""Many values of one score -> mean, deviation and interval."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from scipy import stats

from gclkit.checks import check_probability, reject


def summarize(values: Iterable[Mapping[str, Any]], *, confidence: float = 0.95) -> dict[str, Any]:
    r"""Describes the values of one score over seeds and splits.

    The interval is Student's, :math:`\bar v \pm t_{n-1} s / \sqrt n`. It takes the values as
    independent; splits of one graph share nodes, so read it as a lower bound on the doubt.

    Args:
        values: One ``{"seed": int, "split": int, "value": float}`` per run.
        confidence: Of the interval, in (0, 1).

    Returns:
        ``{"mean", "std", "n", "interval": [low, high], "confidence", "values"}``, plain numbers.
        ``std`` is the sample deviation (n - 1); with one value it and the interval are ``None``.

    Raises:
        ValueError: If there is no value, or one is not finite.
    """
    rows = [
        {"seed": int(row["seed"]), "split": int(row["split"]), "value": float(row["value"])}
        for row in values
    ]
    if not rows:
        reject("summarize", "values", "one value or more", rows)
    numbers = np.array([row["value"] for row in rows])
    if not np.isfinite(numbers).all():
        reject("summarize", "values", "finite", numbers[~np.isfinite(numbers)].tolist())
    if not 0 < check_probability("summarize", "confidence", confidence) < 1:
        reject("summarize", "confidence", "inside (0, 1)", confidence)
    mean, n = float(numbers.mean()), len(numbers)
    std, interval = None, None
    if n > 1:
        std = float(numbers.std(ddof=1))
        half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * std / math.sqrt(n)
        interval = [mean - half, mean + half]
    return {
        "mean": mean,
        "std": std,
        "n": n,
        "interval": interval,
        "confidence": confidence,
        "values": rows,
    }

"""Two methods over the same seeds and splits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from gclkit.checks import check_probability, reject


@dataclass(frozen=True)
class PairedComparison:
    """How much a first method is above a second, run by run.

    Args:
        difference: Mean of first less second.
        interval: Of the mean difference, low and high.
        p_value: Two-sided, of the paired t-test; 0 where all differences are equal and not 0,
            1 where all are 0.
        p_signed_rank: Two-sided, of Wilcoxon's signed-rank test, which needs no normality.
        effect_size: Mean difference over the deviation of the differences (Cohen's d_z);
            ``None`` where that deviation is 0.
        n: Number of pairs.
    """

    difference: float
    interval: tuple[float, float]
    p_value: float
    p_signed_rank: float
    effect_size: float | None
    n: int


def compare_paired(
    first: Mapping[str, Any], second: Mapping[str, Any], *, confidence: float = 0.95
) -> PairedComparison:
    """Compares two summaries of the same score over the same seeds and splits.

    Values are paired by seed and split. The test takes the pairs as independent; training sets
    of one graph overlap, so a p-value near the limit proves little.

    Args:
        first: Result of :func:`summarize`.
        second: Result of :func:`summarize`.
        confidence: Of the interval.

    Raises:
        ValueError: If the seeds and splits differ, or there are fewer than two pairs.
    """
    check_probability("compare_paired", "confidence", confidence)
    values = [
        {(row["seed"], row["split"]): float(row["value"]) for row in summary["values"]}
        for summary in (first, second)
    ]
    if values[0].keys() != values[1].keys() or len(values[0]) < 2:
        got = f"{len(values[0])} and {len(values[1])} values"
        reject("compare_paired", "second", "over the same two or more seeds and splits", got)
    differences = np.array([values[0][key] - values[1][key] for key in values[0]])
    n, mean = len(differences), float(differences.mean())
    deviation = float(differences.std(ddof=1))
    # Rounding alone makes equal differences differ in their last digit.
    if deviation <= 1e-12 * max(1.0, float(np.abs(differences).max())):
        certain = 1.0 if abs(mean) <= 1e-12 else 0.0
        return PairedComparison(mean, (mean, mean), certain, _signed_rank(differences), None, n)
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * deviation / math.sqrt(n)
    p_value = float(2 * stats.t.sf(abs(mean) / (deviation / math.sqrt(n)), n - 1))
    return PairedComparison(
        difference=mean,
        interval=(mean - half, mean + half),
        p_value=p_value,
        p_signed_rank=_signed_rank(differences),
        effect_size=mean / deviation,
        n=n,
    )


def _signed_rank(differences: np.ndarray) -> float:
    if not np.any(differences):
        return 1.0
    # Exact wherever that is defined: without ties and zeros, and for few pairs.
    magnitudes = np.abs(differences)
    exact = len(differences) <= 50 and len(np.unique(magnitudes)) == len(magnitudes)
    exact = exact and bool(magnitudes.all())
    return float(stats.wilcoxon(differences, method="exact" if exact else "approx").pvalue)


def differs(first: Mapping[str, Any], second: Mapping[str, Any], *, level: float = 0.05) -> bool:
    """Whether two summaries differ significantly, two-sided.

    By the paired t-test where both have the same seeds and splits, else by Welch's; never with
    fewer than two values on a side.

    Args:
        first: Result of :func:`summarize`.
        second: Result of :func:`summarize`.
        level: Limit of the p-value, in [0, 1].
    """
    check_probability("differs", "level", level)
    rows = [summary["values"] for summary in (first, second)]
    if min(map(len, rows)) < 2:
        return False
    keys = [{(row["seed"], row["split"]) for row in values} for values in rows]
    if keys[0] == keys[1]:
        return compare_paired(first, second).p_value < level
    sides = [np.array([row["value"] for row in values], dtype=float) for values in rows]
    moments = [(x.mean(), x.std(ddof=1), len(x)) for x in sides]
    # Rounding alone makes the mean of equal values differ from them in its last digit.
    if all(deviation <= 1e-12 * max(1.0, abs(mean)) for mean, deviation, _ in moments):
        return bool(abs(moments[0][0] - moments[1][0]) > 1e-12)
    # From the moments: of values that are all equal SciPy warns that it cannot make them.
    found = stats.ttest_ind_from_stats(*moments[0], *moments[1], equal_var=False)
    return bool(found.pvalue < level)

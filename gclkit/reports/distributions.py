"""Histograms, spectra, scores by group of nodes, and the confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gclkit.checks import reject
from gclkit.reports.figures import new_figure, styled
from gclkit.reports.palette import ACCENT, INK, MUTED, colors


def plot_histograms(
    edges: Sequence[float], counts: Mapping[str, Sequence[float]], *, xlabel: str
) -> Figure:
    """Densities of several samples over the same bins.

    Args:
        edges: Bounds of the bins, ascending, one more than there are bins.
        counts: Entries per bin, by name of the sample; each is scaled to an area of one.
        xlabel: What is counted.
    """
    width = np.diff(np.asarray(edges, dtype=float))
    with styled():
        figure, axes = new_figure()
        for color, (name, heights) in zip(colors(len(counts)), counts.items(), strict=True):
            if len(heights) != len(width):
                reject("plot_histograms", name, f"{len(width)} counts, one per bin", len(heights))
            total = float(np.sum(heights)) or 1.0
            density = np.asarray(heights) / (total * width)
            axes.stairs(density, edges, color=color, lw=1.4)
            axes.stairs(density, edges, color=color, fill=True, alpha=0.25, label=name)
        axes.set(xlabel=xlabel, ylabel="density")
        axes.xaxis.set_major_locator(MaxNLocator(5))
        figure.legend(loc="outside lower center", ncols=4, fontsize=9)
    return figure


def plot_spectrum(values: Sequence[float], effective_rank: float | None = None) -> Figure:
    """Shares of the variance along the principal axes, on a logarithmic scale.

    Args:
        values: Eigenvalues of the covariance, descending, at least 0.
        effective_rank: Marked by a vertical line.
    """
    heights = np.asarray(values, dtype=float)
    heights = heights / (heights.sum() or 1.0)
    kept = heights > 1e-12
    axis = np.arange(1, len(heights) + 1)[kept]
    with styled():
        figure, axes = new_figure()
        axes.plot(axis, heights[kept], color=ACCENT)
        axes.fill_between(axis, heights[kept], 1e-12, color=ACCENT, alpha=0.15)
        if kept.any():
            axes.set_yscale("log")
            axes.set_ylim(max(1e-9, heights[kept].min() / 2), 2 * heights.max())
        if effective_rank is not None:
            axes.axvline(effective_rank, color=MUTED, ls="--", lw=1)
            axes.annotate(
                f" effective rank {effective_rank:.1f}",
                (effective_rank, 1), xycoords=("data", "axes fraction"), va="top", color=MUTED,
            )  # fmt: skip
        axes.set(xlabel="principal axis", ylabel="share of the variance")
    return figure


def plot_groups(
    labels: Sequence[str], values: Sequence[float], sizes: Sequence[int], *, xlabel: str
) -> Figure:
    """Accuracy per group of nodes; the number of nodes stands in each bar.

    Args:
        labels: Names of the groups, such as ranges of degree.
        values: Accuracy in [0, 1]; NaN leaves the bar out.
        sizes: Nodes per group.
        xlabel: What groups them.
    """
    with styled():
        figure, axes = new_figure()
        heights = np.nan_to_num(np.asarray(values, dtype=float))
        bars = axes.bar(range(len(labels)), 100 * heights, color=ACCENT, width=0.72)
        for bar, size in zip(bars, sizes, strict=True):
            place = (bar.get_x() + bar.get_width() / 2, 1.5)
            axes.annotate(
                f"{size:,}", place, ha="center", va="bottom", color="white", fontsize=8,
                rotation=90 if len(labels) > 7 else 0,
            )  # fmt: skip
        # Up to some fifty letters stand side by side.
        slanted = max(map(len, labels), default=0) * len(labels) > 50
        axes.set_xticks(range(len(labels)), labels, rotation=30 if slanted else 0)
        axes.set(xlabel=xlabel, ylabel="accuracy, %", ylim=(0, 100))
    return figure


def plot_few_labels(shots: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Accuracy over the number of labels per class, on a logarithmic axis.

    Args:
        shots: Summary of the accuracy by labels per class.
    """
    points = sorted((int(count), summary) for count, summary in shots.items())
    with styled():
        figure, axes = new_figure()
        axes.errorbar(
            [count for count, _ in points],
            [100 * summary["mean"] for _, summary in points],
            yerr=[100 * (summary["std"] or 0.0) for _, summary in points],
            color=ACCENT, marker="o", capsize=3,
        )  # fmt: skip
        axes.set_xscale("log")
        axes.set_xticks([count for count, _ in points], [str(count) for count, _ in points])
        axes.minorticks_off()
        axes.set(xlabel="labels per class", ylabel="accuracy, %")
    return figure


def plot_confusion(matrix: Sequence[Sequence[float]]) -> Figure:
    """Confusion matrix, each row (true class) scaled to one.

    Args:
        matrix: Test nodes by true and predicted class, [c, c].
    """
    counts = np.asarray(matrix, dtype=float)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    classes = len(counts)
    with styled():
        figure, axes = new_figure(4.5, 4.2)
        # Drawn as one color of varying strength, so that it stands on any ground.
        tint = np.zeros((classes, classes, 4))
        tint[..., :3] = to_rgb(ACCENT)
        tint[..., 3] = 0.04 + 0.96 * share
        axes.imshow(tint, interpolation="nearest")
        if classes <= 15:
            for row, column in np.ndindex(classes, classes):
                if share[row, column] >= 0.005:
                    axes.annotate(
                        f"{100 * share[row, column]:.0f}", (column, row), ha="center", va="center",
                        fontsize=9 if classes <= 10 else 7,
                        color="white" if share[row, column] > 0.55 else INK,
                    )  # fmt: skip
        step = 1 if classes <= 20 else 5
        axes.set_xticks(range(0, classes, step))
        axes.set_yticks(range(0, classes, step))
        axes.set(xlabel="predicted class", ylabel="true class (rows sum to 100 %)")
        axes.grid(False)
        axes.set_frame_on(False)
    return figure

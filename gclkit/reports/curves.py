"""Curves over training: loss, and whatever else was measured per epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gclkit.reports.figures import new_figure, styled
from gclkit.reports.palette import colors

History = Mapping[int, Sequence[Mapping[str, Any]]]


def series(rows: Sequence[Mapping[str, Any]], key: str) -> tuple[np.ndarray, np.ndarray]:
    """Epochs and values of ``key``, at the epochs that have a number for it."""
    pairs = [
        (float(row["epoch"]), float(row[key]))
        for row in rows
        if isinstance(row.get(key), (int, float, np.integer, np.floating))
    ]
    return tuple(np.array(pairs, dtype=float).reshape(-1, 2).T)  # type: ignore[return-value]


def plot_curve(history: History, key: str, label: str) -> Figure | None:
    """One line per seed of ``key`` over the epochs, or nothing where no epoch has it.

    Args:
        history: ``{seed: [{"epoch": 1, "loss": …, …}, …]}``; other keys may be missing in rows.
        key: Such as ``"loss"`` or ``"val_accuracy"``.
        label: Of the vertical axis.
    """
    lines = {seed: series(rows, key) for seed, rows in history.items()}
    lines = {seed: line for seed, line in lines.items() if len(line[0])}
    if not lines:
        return None
    with styled():
        figure, axes = new_figure()
        for color, (seed, (epochs, values)) in zip(colors(len(lines)), lines.items(), strict=True):
            mark = "o" if len(epochs) <= 25 else None
            axes.plot(epochs, values, color=color, marker=mark, ms=3.5, label=f"seed {seed}")
        axes.set(xlabel="epoch", ylabel=label)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
        if 1 < len(lines) <= 10:
            figure.legend(loc="outside lower center", ncols=4, fontsize=9)
    return figure


def plot_path(history: History) -> Figure | None:
    """Uniformity against alignment, one path per seed from its first to its last epoch.

    Reads ``"alignment"`` and ``"uniformity"`` of the rows (lower is better for both), and gives
    nothing where fewer than two rows of each seed have them.
    """
    with styled():
        figure, axes = new_figure(4.5, 3.3)
        drawn = False
        for color, (seed, rows) in zip(colors(len(history)), history.items(), strict=True):
            both = [row for row in rows if {"alignment", "uniformity"} <= row.keys()]
            _, along = series(both, "alignment")
            _, across = series(both, "uniformity")
            if len(along) < 2 or len(along) != len(across):
                continue
            drawn = True
            axes.plot(along, across, color=color, marker="o", ms=3, label=f"seed {seed}")
            axes.plot(along[-1:], across[-1:], color=color, marker="o", ms=9)
        axes.set(xlabel="alignment (lower is closer)", ylabel="uniformity (lower is more even)")
        axes.xaxis.set_major_locator(MaxNLocator(5))
        if drawn and len(history) <= 10:
            figure.legend(loc="outside lower center", ncols=4, fontsize=9)
    return figure if drawn else None

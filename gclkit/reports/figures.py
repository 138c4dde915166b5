"""Matplotlib figures without global state, as PNG files and as SVG that follows the page."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gclkit.reports.palette import INK, LINE, MUTED

_STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": LINE,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": MUTED,
    "axes.labelsize": 10,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 11,
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "svg.fonttype": "none",
    "svg.hashsalt": "gclkit",
    "text.color": INK,
    "xtick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.color": LINE,
    "ytick.labelcolor": MUTED,
}  # fmt: skip


@contextmanager
def styled() -> Iterator[None]:
    """The settings of all plots, for the time of a ``with`` block."""
    with matplotlib.rc_context(_STYLE):
        yield


def new_figure(width: float = 4.5, height: float = 2.9) -> tuple[Figure, Axes]:
    """An empty figure of one plot, in inches, outside pyplot's list of open figures."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def save_png(figure: Figure, path: Path) -> None:
    """Writes a figure on white, at 160 dots per inch."""
    with styled():
        figure.savefig(path, dpi=160, facecolor="white")


def themed_svg(figure: Figure, name: str) -> str:
    """A figure as an inline SVG element whose text and lines take the colors of the page.

    Args:
        figure: Drawn with the stand-in colors of :mod:`gclkit.reports.palette`.
        name: Distinguishes the identifiers of this figure from those of others on the page.
    """
    buffer = io.StringIO()
    with styled():
        figure.savefig(buffer, format="svg", dpi=160, transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    for color, variable in ((INK, "--ink"), (MUTED, "--muted"), (LINE, "--line")):
        svg = svg.replace(color, f"var({variable})")
    svg = svg.replace("'DejaVu Sans'", "inherit").replace("DejaVu Sans", "inherit")
    svg = re.sub(r'id="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    svg = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', svg)
    # The view box keeps the proportions; the width comes from the page.
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    return svg.replace("<svg ", '<svg role="img" ', 1)

"""The certificate of a run: its section in report.json and on the page, and its plots."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gclkit.reports.figures import new_figure, save_png, styled, themed_svg
from gclkit.reports.files import to_json, write_text
from gclkit.reports.page import SLOT, SLOT_BEGIN, Panel, card, fill_slot, grid
from gclkit.reports.palette import ACCENT, MUTED, colors
from gclkit.reports.read_report import read_report
from gclkit.reports.tables import Table

HEADLINES = {
    "certified_positive": "certified positive, share of the nodes in reach",
    "found_positive": "positive in every view that was found",
    "gap": "gap, in mean clean compactness",
    "realised_rate": "share of edges that a full view drops",
}


def group_shares(
    group: np.ndarray, bound: np.ndarray, *, logarithmic: bool = False, largest: int = 20
) -> list[dict[str, Any]]:
    """Share of nodes with a positive bound, by group.

    Args:
        group: A number per node.
        bound: Its bound.
        logarithmic: Whether numbers are gathered from each power of two to the next.
        largest: Groups listed at most, the largest.
    """
    keys = np.floor(np.log2(np.maximum(group, 1))).astype(int) if logarithmic else group
    rows: list[dict[str, Any]] = []
    for key in np.unique(keys):
        inside = keys == key
        span = f"{2**key}-{2 ** (key + 1) - 1}" if logarithmic and key else str(max(key, 1))
        name = span if logarithmic else str(key)
        share = float((bound[inside] > 0).mean())
        rows.append({"group": name, "nodes": int(inside.sum()), "certified_positive": share})
    chosen = sorted(rows, key=lambda row: -row["nodes"])[:largest]
    return [row for row in rows if row in chosen]


def write_certificate(
    folder: Path, figures: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> None:
    """Adds the certificate to a run that has a report; a former one is replaced.

    Args:
        folder: The run folder.
        figures: The section ``certificate`` of ``report.json``.
        arrays: ``clean``, ``bound``, ``sampled``, ``searched`` per node.

    Raises:
        OSError: If the run has no report.
        ValueError: If ``report.json`` is not a valid report.
    """
    report = read_report(folder)
    html = (folder / "report.html").read_text(encoding="utf-8")
    found = np.minimum(arrays["sampled"], arrays["searched"])
    plots = {
        "certificate_histogram": ("Compactness", _histogram(arrays, found)),
        "certificate_scatter": ("Bound against smallest value found", _scatter(arrays, found)),
    }
    (folder / "plots").mkdir(exist_ok=True)
    panels = []
    for name, (title, figure) in plots.items():
        save_png(figure, folder / "plots" / f"{name}.png")
        panels.append(Panel(title, themed_svg(figure, name), f"{len(found):,} nodes"))
    if SLOT_BEGIN not in html:  # Of a page that was written before there was a place for it.
        html = html.replace("</main>", f"{SLOT}</main>")
    write_text(folder / "report.html", fill_slot(html, _section(figures, panels)))
    clean = {key: _plain(value) for key, value in figures.items()}
    write_text(folder / "report.json", to_json({**report, "certificate": clean}))


def _plain(value: Any) -> Any:
    """NaN has no place in JSON."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _section(figures: Mapping[str, Any], panels: list[Panel]) -> str:
    cards = "".join(card(label, f"{figures[key]:.3g}") for key, label in HEADLINES.items())
    part = "" if figures["whole_embedding"] else "Of the embedding, the encoder's output alone. "
    note = (
        f"{part}Edge dropping at p = {figures['p']}, seed {figures['seed']}: both directions of an "
        "edge vanish together, and each node loses at most "
        f"round(p x degree) edges and keeps one. {100 * figures['reach_share']:.1f} % of the nodes "
        f"have a droppable edge in reach; one coin per edge at this rate puts "
        f"{100 * figures['over_budget']:.1f} % over their budget. Nothing is claimed of those "
        "views, nor of any that drops one direction of an edge alone, as practically every view of "
        "EdgeDrop does unless it is symmetric. Mean norm of the embeddings "
        f"{figures['mean_norm']:.3g}."
    )
    tables = "".join(
        f"<h3>By {name}</h3>{_table(figures[f'by_{name}'], name).to_html()}"
        for name in ("degree", "community")
    )
    return (
        f'<h2>Certificate</h2><div class="cards">{cards}</div><p class="note">{note}</p>'
        f"{grid(panels)}{tables}"
    )


def _table(rows: list[dict[str, Any]], name: str) -> Table:
    lines = (
        (row["group"], f"{row['nodes']:,}", f"{100 * row['certified_positive']:.1f}")
        for row in rows
    )
    return Table((name, "nodes", "certified positive, %"), tuple(lines))


def _histogram(arrays: Mapping[str, np.ndarray], found: np.ndarray) -> Figure:
    samples = {"certified": arrays["bound"], "found": found, "clean": arrays["clean"]}
    together = np.concatenate(list(samples.values()))
    edges = np.linspace(together.min(), together.max() + 1e-9, 41).tolist()
    with styled():
        figure, axes = new_figure()
        for color, (name, values) in zip(colors(3), samples.items(), strict=True):
            axes.hist(values, edges, histtype="stepfilled", alpha=0.35, color=color, label=name)
        axes.axvline(0, color=MUTED, ls="--", lw=1)
        axes.set(xlabel="compactness", ylabel="nodes")
        figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    return figure


def _scatter(arrays: Mapping[str, np.ndarray], found: np.ndarray) -> Figure:
    with styled():
        figure, axes = new_figure()
        axes.scatter(found, arrays["bound"], s=6, color=ACCENT, alpha=0.5, linewidths=0)
        span = [min(found.min(), arrays["bound"].min()), found.max()]
        axes.plot(span, span, color=MUTED, lw=1)
        axes.axhline(0, color=MUTED, ls="--", lw=1)
        axes.set(xlabel="smallest value found", ylabel="certified bound")
        axes.locator_params(axis="x", nbins=5)  # Small numbers have long labels.
    return figure

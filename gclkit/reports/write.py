"""A run as a folder: report.json, report.html, plots and tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gclkit.checks import reject
from gclkit.reports.curves import History
from gclkit.reports.figures import save_png, themed_svg
from gclkit.reports.files import to_json, write_text
from gclkit.reports.page import SLOT, Panel, details, fill_slot, grid, page, read_slot
from gclkit.reports.plots import MAPS, SECTIONS, Plot, map_plots, score_plots
from gclkit.reports.sections import (
    method_name,
    note_line,
    published_table,
    score_cards,
    task_tables,
)
from gclkit.reports.tables import Table


def write_report(
    folder: str | Path,
    report: Mapping[str, Any],
    *,
    history: History | None = None,
    z: np.ndarray | None = None,
    y: np.ndarray | None = None,
    community: np.ndarray | None = None,
    projections: Sequence[str] = ("pca", "tsne"),
    map_nodes: int = 2000,
    seed: int = 0,
) -> Path:
    """Writes ``report.json``, ``report.html``, ``tables.md``, ``tables.tex`` and ``plots/*.png``.

    Every file is written beside its place and moved onto it, ``report.json`` last, so a folder
    with a new ``report.json`` is complete. The page holds its style and plots and asks the
    network for nothing.

    Args:
        folder: Run folder; made where it is missing.
        report: ``report.json`` as a dict: ``method``, ``dataset`` (``name``, ``nodes``,
            ``edges``), ``results`` (task -> score -> summary with ``mean``, ``std``, ``n``) and,
            where there are any, ``regularizer``, ``baselines`` (control -> score -> summary, or
            control -> task -> score -> summary), ``published`` (score -> ``{"value",
            "source"}``), ``config``, ``seeds``, ``timing``, ``environment``, ``certificate`` and
            ``diagnostics`` (as :func:`gclkit.evaluators.diagnose` gives them). Sections that
            are absent leave no trace on the page, but with ``certificate`` the page keeps the
            plots of it that were there. Arrays and NumPy numbers are allowed.
        history: ``{seed: [{"epoch": 1, "loss": 6.9, …}, …]}``. Plotted where present in any row:
            ``"loss"``, ``"val_accuracy"``, ``"grad_norm"``, and the path of ``"alignment"`` and
            ``"uniformity"``. A NaN loss ends its line.
        z: Embeddings of one seed [n, d], for the maps. (default: no maps)
        y: Class of each node [n], colors one map of each kind.
        community: Community of each node [n], colors another.
        projections: Kinds of map: of ``"pca"``, ``"tsne"``, ``"umap"`` (needs umap-learn).
        map_nodes: Nodes drawn at most; a larger graph is sampled.
        seed: Of the sampling and the maps.

    Returns:
        Path of ``report.html``.

    Raises:
        ValueError: If ``report`` is not a dict with ``results``, holds a NaN, or the arrays differ
            in length. Nothing is written then.
        OSError: If the folder cannot be written.
    """
    if not isinstance(report, Mapping) or not isinstance(report.get("results"), Mapping):
        reject("write_report", "report", "a dict with a dict 'results'", type(report).__name__)
    report = json.loads(to_json({"schema": 1, **report}))
    plots = score_plots(report, history or {})
    plots += map_plots(z, y, community, projections, map_nodes, seed)
    tables = task_tables(report)
    text = _page(report, plots, tables)

    folder = Path(folder)
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    for plot in plots:
        save_png(plot.on_file, folder / "plots" / f"{plot.name}.png")
    markdown = [f"## {title}\n\n{table.to_markdown()}" for title, table, _ in tables]
    write_text(folder / "tables.md", "\n".join(markdown))
    write_text(folder / "tables.tex", "\n".join(table.to_latex() for _, table, _ in tables))
    path = folder / "report.html"
    if report.get("certificate") and path.is_file():
        text = fill_slot(text, read_slot(path.read_text(encoding="utf-8")))
    write_text(path, text)
    write_text(folder / "report.json", to_json(report))
    return path


def _page(report: Mapping[str, Any], plots: list[Plot], tables: list[Any]) -> str:
    dataset = report.get("dataset") or {}
    title = f"{method_name(report)} on {dataset.get('name', 'a graph')}"
    facts = []
    if dataset.get("nodes") is not None:
        facts.append(f"{dataset['nodes']:,} nodes")
    if dataset.get("edges") is not None:
        facts.append(f"{dataset['edges']:,} edges")
    if report.get("seeds"):
        facts.append(f"seeds {', '.join(map(str, report['seeds']))}")
    if report.get("status"):
        facts.append(str(report["status"]))
    body = [score_cards(report)]
    for heading, table, note in tables:
        body.append(f"<h2>{heading}</h2>{table.to_html()}{note_line(note)}")
    if report.get("published"):
        body.append(published_table(report["published"]))
    for section in SECTIONS:
        panels = [
            Panel(plot.title, themed_svg(plot.on_page, plot.name), plot.caption, plot.legend)
            for plot in plots
            if plot.section == section
        ]
        if panels:
            body.append(f"<h2>{section}</h2>{grid(panels, pairs=section == MAPS)}")
    numbers = {
        name: value
        for name, value in (report.get("diagnostics") or {}).items()
        if isinstance(value, (int, float))
    }
    if numbers:
        rows = tuple((name.replace("_", " "), f"{value:.4g}") for name, value in numbers.items())
        body.append(f"<h3>Diagnostics</h3>{Table(('diagnostic', 'value'), rows).to_html()}")
    body.append(SLOT)
    body.append("<h2>How it was made</h2>")
    for name in ("environment", "timing", "certificate", "config"):
        if report.get(name):
            body.append(details(name.capitalize(), to_json(report[name])))
    body.append(details("Results, every value", to_json(report["results"])))
    return page(title, " · ".join(facts), "\n".join(body))

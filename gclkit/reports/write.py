"""A run as a folder: report.json, report.html, plots and tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gclkit.checks import reject
from gclkit.reports.curves import History, plot_curve, plot_path
from gclkit.reports.distributions import (
    plot_confusion,
    plot_few_labels,
    plot_groups,
    plot_histograms,
    plot_spectrum,
)
from gclkit.reports.figures import save_png, themed_svg
from gclkit.reports.files import to_json, write_text
from gclkit.reports.maps import PROJECTIONS, legend_entries, plot_map, project, sample_nodes
from gclkit.reports.page import Panel, card, details, grid, page
from gclkit.reports.tables import PERCENT, Table, score_name, score_table, summaries

TASK_TITLES = {
    "classification": "Node classification",
    "clustering": "Clustering",
    "link_prediction": "Link prediction",
}
HEADLINES = {"classification": "accuracy", "clustering": "nmi", "link_prediction": "auc"}


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
            are absent leave no trace on the page. Arrays and NumPy numbers are allowed.
        history: ``{seed: [{"epoch": 1, "loss": 6.9, …}, …]}``. Plotted where present in any row:
            ``"loss"``, ``"val_accuracy"``, ``"accuracy"``, ``"grad_norm"``, ``"lr"``, and the
            path of ``"alignment"`` and ``"uniformity"``. A NaN loss ends its line.
        z: Embeddings of one seed [n, d], for the maps. (default: no maps)
        y: Class of each node [n], colors one map of each kind.
        community: Community of each node [n], colors another.
        projections: Kinds of map: of ``"pca"``, ``"tsne"``, ``"umap"`` (needs umap-learn).
        map_nodes: Nodes drawn at most; a larger graph is sampled.
        seed: Of the sampling and the maps.

    Returns:
        Path of ``report.html``.

    Raises:
        ValueError: If ``report`` is no dict with ``results``, holds a NaN, or the arrays differ
            in length. Nothing is written then.
        OSError: If the folder cannot be written.
    """
    if not isinstance(report, Mapping) or not isinstance(report.get("results"), Mapping):
        reject("write_report", "report", "a dict with a dict 'results'", type(report).__name__)
    report = json.loads(to_json({"schema": 1, **report}))
    figures = _figures(report, history or {})
    figures += _maps(z, y, community, projections, map_nodes, seed)
    tables = task_tables(report)
    text = _page(report, figures, tables)

    folder = Path(folder)
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    for name, _, (_, for_file), _, _ in figures:
        save_png(for_file, folder / "plots" / f"{name}.png")
    markdown = [f"## {title}\n\n{table.to_markdown()}" for title, table, _ in tables]
    write_text(folder / "tables.md", "\n".join(markdown))
    write_text(folder / "tables.tex", "\n".join(table.to_latex() for _, table, _ in tables))
    path = write_text(folder / "report.html", text)
    write_text(folder / "report.json", to_json(report))
    return path


_INSIDE = ("confusion", "few_labels", "similarity", "spectrum", "accuracy_by_")
# Name of the file, title, figure for the page and for the file, caption, legend of the page.
_Plot = tuple[str, str, tuple[Figure, Figure], str, list[tuple[str, str]]]


def _figures(report: Mapping[str, Any], history: History) -> list[_Plot]:
    plots: list[tuple[str, str, Figure | None, str]] = [
        ("loss", "Loss", plot_curve(history, "loss", "loss"), "per epoch, one line per seed"),
        (
            "val_accuracy",
            "Probe accuracy while training",
            plot_curve(history, "val_accuracy", "accuracy on validation nodes"),
            "linear probe on the embeddings of that epoch, validation nodes only",
        ),
        ("accuracy", "Accuracy while training", plot_curve(history, "accuracy", "accuracy"), ""),
        ("grad_norm", "Gradient norm", plot_curve(history, "grad_norm", "gradient norm"), ""),
        ("lr", "Learning rate", plot_curve(history, "lr", "learning rate"), ""),
        (
            "alignment_uniformity",
            "Alignment and uniformity",
            plot_path(history),
            "from the first to the last epoch, which has the large mark",
        ),
    ]
    confusion = report["results"].get("classification", {}).get("confusion")
    if confusion:
        caption = "test nodes of all seeds and splits"
        plots.append(("confusion", "Confusion matrix", plot_confusion(confusion), caption))
    shots = report["results"].get("classification", {}).get("few_labels")
    if shots:
        caption = "mean and standard deviation over seeds and splits"
        plots.append(("few_labels", "Accuracy with few labels", plot_few_labels(shots), caption))
    diagnostics = report.get("diagnostics") or {}
    similarity = diagnostics.get("similarity")
    if similarity:
        counts = {key: value for key, value in similarity.items() if key != "edges"}
        figure = plot_histograms(similarity["edges"], counts, xlabel="cosine similarity")
        caption = "pairs of neighbors or of one class (positive) against the other pairs"
        plots.append(("similarity", "Similarities", figure, caption))
    if diagnostics.get("spectrum"):
        figure = plot_spectrum(diagnostics["spectrum"], diagnostics.get("effective_rank"))
        caption = "eigenvalues of the covariance of the embeddings"
        plots.append(("spectrum", "Spectrum", figure, caption))
    for key, groups in (diagnostics.get("accuracy_by") or {}).items():
        name = key.replace("_", " ")
        values = [np.nan if value is None else value for value in groups["values"]]
        figure = plot_groups(groups["labels"], values, groups["sizes"], xlabel=name)
        caption = "test nodes; their number stands in the bar"
        plots.append((f"accuracy_by_{key}", f"Accuracy by {name}", figure, caption))
    return [
        (name, title, (figure, figure), caption, [])
        for name, title, figure, caption in plots
        if figure is not None
    ]


def _maps(
    z: np.ndarray | None,
    y: np.ndarray | None,
    community: np.ndarray | None,
    projections: Sequence[str],
    map_nodes: int,
    seed: int,
) -> list[_Plot]:
    if z is None:
        return []
    z = np.asarray(z)
    given = {"class": y, "community": community}
    groups = {name: np.asarray(value) for name, value in given.items() if value is not None}
    for name, value in groups.items():
        if value.shape != (len(z),):
            reject("write_report", name, f"one number per row of 'z', ({len(z)},)", value.shape)
    groups = groups or {"node": np.zeros(len(z), dtype=int)}
    nodes = sample_nodes(len(z), map_nodes, seed)
    caption = f"{len(nodes):,} of {len(z):,} nodes" if len(nodes) < len(z) else ""
    plots: list[_Plot] = []
    for method in projections:
        points = project(z[nodes], method, seed=seed)
        for name, value in groups.items():
            title = f"{PROJECTIONS[method]} by {name}"
            pair = tuple(
                plot_map(points, value[nodes], title=title * on_file, legend=on_file)
                for on_file in (False, True)
            )
            legend = [(label, color) for _, label, color in legend_entries(value[nodes])]
            legend = legend if name != "node" else []
            plots.append((f"map_{method}_{name}", title, pair, caption, legend))  # type: ignore[arg-type]
    return plots


def by_task(section: Mapping[str, Any], task: str) -> Mapping[str, Any]:
    """The scores of a control on a task; a section without tasks is about classification."""
    if any(name in section for name in TASK_TITLES):
        return section.get(task) or {}
    return section if task == "classification" else {}


def task_tables(report: Mapping[str, Any]) -> list[tuple[str, Table, str]]:
    """Title, table and note of each task of a report that has results."""
    method = method_name(report)
    tables = []
    for task, title in TASK_TITLES.items():
        section = report["results"].get(task)
        if not section or not summaries(section):
            continue
        lines = [(method, section), *_variants(method, section)]
        for name, control in (report.get("baselines") or {}).items():
            scores = by_task(control, task)
            if summaries(scores):
                lines.append((name.replace("_", " "), scores))
        count = next(iter(summaries(section).values())).get("n")
        parts = [f"mean ± standard deviation over n = {count}"] if count else []
        if section.get("split"):
            digest = section.get("split_hash") or ""
            digest = ", ".join(digest.values()) if isinstance(digest, Mapping) else digest
            digest = f" (hash {digest})" if digest else ""
            parts.append(f"split {section['split']}{digest}")
        if section.get("protocol"):
            parts.append(str(section["protocol"]))
        percent = " Shares in percent." if set(summaries(section)) & PERCENT else ""
        note = "; ".join(parts)
        tables.append((title, score_table(lines), f"{note[:1].upper()}{note[1:]}.{percent}"))
    return tables


def _variants(method: str, section: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Lines for the same embeddings scored in another way."""
    names = {"l2_normalized": "unit rows", "hard": "two-hop negatives"}
    lines = [(f"{method}, {text}", section[key]) for key, text in names.items() if key in section]
    for decoder, scores in (section.get("by_decoder") or {}).items():
        lines.append((f"{method}, decoder {decoder}", scores))
    return lines


def method_name(report: Mapping[str, Any]) -> str:
    """The method of a report, with its regularizer."""
    method = str(report.get("method") or "embeddings")
    return f"{method} + {report['regularizer']}" if report.get("regularizer") else method


def _cards(report: Mapping[str, Any]) -> str:
    cards = []
    for task, key in HEADLINES.items():
        scores = summaries(report["results"].get(task) or {})
        if key not in scores:
            continue
        summary = scores[key]
        spread = f"± {100 * summary['std']:.2f}" if summary.get("std") is not None else ""
        controls = [
            (100 * summaries(by_task(control, task))[key]["mean"], name.replace("_", " "))
            for name, control in (report.get("baselines") or {}).items()
            if key in summaries(by_task(control, task))
        ]
        note = "; ".join(f"{name} {value:.1f}" for value, name in controls)
        label = f"{TASK_TITLES[task]}, {score_name(key)} in %"
        cards.append(card(label, f"{100 * summary['mean']:.2f}", spread, note))
    timing = report.get("timing") or {}
    if timing.get("seconds_per_epoch"):
        total = timing.get("total_s")
        note = f"{total:,.0f} s in all" if total else ""
        cards.append(
            card("Training, seconds per epoch", f"{timing['seconds_per_epoch']:.3g}", "", note)
        )
    return f'<div class="cards">{"".join(cards)}</div>' if cards else ""


def _page(report: Mapping[str, Any], plots: list[_Plot], tables: list[Any]) -> str:
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
    body = [_cards(report)]
    for heading, table, note in tables:
        body.append(f"<h2>{heading}</h2>{table.to_html()}{_note(note)}")
    if report.get("published"):
        body.append(_published(report["published"]))
    for heading, wanted in (
        (
            "Training",
            ("loss", "val_accuracy", "accuracy", "grad_norm", "lr", "alignment_uniformity"),
        ),
        ("Maps of the embeddings", ("map_",)),
        ("Inside the embeddings", _INSIDE),
    ):
        panels = [
            Panel(label, themed_svg(pair[0], name), caption, legend)
            for name, label, pair, caption, legend in plots
            if any(name == key or (key.endswith("_") and name.startswith(key)) for key in wanted)
        ]
        if panels:
            body.append(f"<h2>{heading}</h2>{grid(panels, pairs=wanted == ('map_',))}")
    numbers = {
        name: value
        for name, value in (report.get("diagnostics") or {}).items()
        if isinstance(value, (int, float))
    }
    if numbers:
        rows = tuple((name.replace("_", " "), f"{value:.4g}") for name, value in numbers.items())
        body.append(f"<h3>Diagnostics</h3>{Table(('diagnostic', 'value'), rows).to_html()}")
    body.append("<h2>How it was made</h2>")
    for name in ("environment", "timing", "certificate", "config"):
        if report.get(name):
            body.append(details(name.capitalize(), to_json(report[name])))
    body.append(details("Results, every value", to_json(report["results"])))
    return page(title, " · ".join(facts), "\n".join(body))


def _published(published: Mapping[str, Any]) -> str:
    rows = tuple(
        (score_name(key), f"{100 * entry['value']:.2f}", str(entry.get("source", "")))
        for key, entry in published.items()
    )
    return f"<h2>Published</h2>{Table(('score', '%', 'source'), rows).to_html()}"


def _note(text: str) -> str:
    from html import escape

    return f'<p class="note">{escape(text)}</p>'

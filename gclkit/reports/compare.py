"""Many runs side by side, the best marked only where the difference is significant."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from gclkit.checks import reject
from gclkit.reports.figures import new_figure, save_png, styled, themed_svg
from gclkit.reports.files import to_json, write_text
from gclkit.reports.page import Panel, grid, page
from gclkit.reports.palette import colors
from gclkit.reports.sections import HEADLINES, TASK_TITLES, by_task, method_name, note_line
from gclkit.reports.tables import PERCENT, score_columns, score_name, score_table, summaries

# Says whether a first summary is significantly different from a second one.
Significant = Callable[[Mapping[str, Any], Mapping[str, Any]], bool]

LOWER_IS_BETTER = frozenset({"conductance"})


def group_runs(
    runs: Mapping[str, Mapping[str, Any]],
) -> list[tuple[str, str, list[tuple[str, Mapping[str, Any]]]]]:
    """Gathers what may be compared: the same task on the same graph, split and protocol.

    Args:
        runs: Reports by name.

    Returns:
        Task, title and lines (name and section) of each group, in order of appearance. The
        controls follow the runs; equal ones are listed once.
    """
    groups: dict[tuple[str, ...], list[tuple[str, Mapping[str, Any]]]] = {}
    controls: dict[tuple[str, ...], list[tuple[str, Mapping[str, Any]]]] = {}
    for name, report in runs.items():
        dataset = report.get("dataset") or {}
        for task in TASK_TITLES:
            section = report["results"].get(task)
            if not section or not summaries(section):
                continue
            digest = "" if task == "link_prediction" else str(section.get("split_hash", ""))
            key = (
                task, str(dataset.get("name", "")), str(dataset.get("hash", "")),
                str(section.get("split", "")), digest, str(section.get("protocol", "")),
            )  # fmt: skip
            groups.setdefault(key, []).append((name, section))
            known = controls.setdefault(key, [])
            for control, scores in (report.get("baselines") or {}).items():
                line = (control.replace("_", " "), by_task(scores, task))
                if summaries(line[1]) and all(_means(line[1]) != _means(old) for _, old in known):
                    known.append(line)
    named = []
    for facts, lines in groups.items():
        task, graph, _, split, digest, _ = facts
        parts = [TASK_TITLES[task], graph, split, f"hash {digest}" if digest else ""]
        named.append((task, ", ".join(part for part in parts if part), lines + controls[facts]))
    return named


def mark_best(
    lines: Sequence[tuple[str, Mapping[str, Any]]], columns: Sequence[str], significant: Significant
) -> frozenset[tuple[int, int]]:
    """Cells of the best of each column, where it differs significantly from every other line.

    Args:
        lines: Name and section.
        columns: Scores, in the order of the table, whose first column is the name.
        significant: Compares two summaries.
    """
    best = set()
    for column, key in enumerate(columns, start=1):
        scores = {i: summaries(section)[key] for i, (_, section) in enumerate(lines)
                  if key in summaries(section)}  # fmt: skip
        if len(scores) < 2:
            continue
        sign = -1 if key in LOWER_IS_BETTER else 1
        top = max(scores, key=lambda i: sign * scores[i]["mean"])
        if all(significant(scores[top], other) for i, other in scores.items() if i != top):
            best.add((top, column))
    return frozenset(best)


def write_comparison(
    folder: str | Path, runs: Mapping[str, Mapping[str, Any]], *, significant: Significant
) -> Path:
    """Writes ``report.html``, ``tables.md``, ``tables.tex``, ``comparison.json`` and plots.

    Args:
        folder: Where to; made where it is missing.
        runs: Reports by name, one or more.
        significant: Says whether two summaries differ; :func:`gclkit.evaluators.differs`.

    Returns:
        Path of ``report.html``.

    Raises:
        ValueError: If there is no run, or none has a score.
        OSError: If the folder cannot be written.
    """
    groups = group_runs(runs)
    if not groups:
        reject("write_comparison", "runs", "reports with scores", list(runs))
    tables, figures = [], []
    for index, (task, title, lines) in enumerate(groups):
        table = score_table(lines, mark_best(lines, score_columns(lines), significant))
        tables.append((title, table, str(lines[0][1].get("protocol", ""))))
        key = HEADLINES[task]
        shown = [(name, summaries(section)[key]) for name, section in lines
                 if key in summaries(section)]  # fmt: skip
        if shown:
            figures.append((f"{task}_{index}", title, plot_scores(shown, key)))
    note = (
        "Mean ± standard deviation. A value is marked where it is the best and differs from "
        "every other in its column: paired t-test over the same seeds and splits where both "
        "have them, else Welch's, p < 0.05."
    )
    body = [note_line(note)]
    for title, table, protocol in tables:
        body.append(f"<h2>{html.escape(title)}</h2>{table.to_html()}{note_line(protocol)}")
    body.append("<h2>Means and 95 % intervals</h2>")
    body.append(grid([Panel(title, themed_svg(figure, name)) for name, title, figure in figures]))
    markdown = [
        f"## {title}\n\n{table.to_markdown()}\n{protocol}\n" for title, table, protocol in tables
    ]
    folder = Path(folder)
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    for name, _, figure in figures:
        save_png(figure, folder / "plots" / f"{name}.png")
    write_text(folder / "tables.md", "\n".join(markdown))
    write_text(folder / "tables.tex", "\n".join(table.to_latex() for _, table, _ in tables))
    lead = f"{len(runs)} runs: {', '.join(runs)}"
    path = write_text(folder / "report.html", page("Runs side by side", lead, "\n".join(body)))
    methods = {name: method_name(report) for name, report in runs.items()}
    write_text(folder / "comparison.json", to_json({"schema": 1, "runs": methods, "groups": [
        {"task": task, "title": title, "lines": [{"name": n, **summaries(s)} for n, s in lines]}
        for task, title, lines in groups
    ]}))  # fmt: skip
    return path


def plot_scores(lines: Sequence[tuple[str, Mapping[str, Any]]], key: str) -> Figure:
    """One dot per line with its interval, the first on top.

    Args:
        lines: Name and summary.
        key: Name of the score.
    """
    factor = 100 if key in PERCENT else 1
    with styled():
        figure, axes = new_figure(4.5, 1.0 + 0.32 * len(lines))
        for row, (color, (_, summary)) in enumerate(zip(colors(len(lines)), lines, strict=True)):
            if summary.get("interval"):
                ends = [factor * end for end in summary["interval"]]
                axes.plot(ends, [row, row], color=color, lw=2.2, alpha=0.6)
            axes.plot([factor * summary["mean"]], [row], "o", color=color, ms=6)
        axes.set_yticks(range(len(lines)), [name for name, _ in lines])
        axes.invert_yaxis()
        axes.margins(y=0.2)
        axes.grid(axis="x")
        axes.set(xlabel=score_name(key) + (", %" if factor == 100 else ""))
    return figure


def _means(section: Mapping[str, Any]) -> dict[str, float]:
    return {key: summary["mean"] for key, summary in summaries(section).items()}

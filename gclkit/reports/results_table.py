"""The table of many runs beside what their papers say, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gclkit.checks import reject
from gclkit.reports.read_report import read_report
from gclkit.reports.tables import percent

HEAD = (
    "recipe", "n", "score", "ours, %", "papers' probe, %", "published, %", "untrained, %", "NMI, %",
    "minutes per seed", "peak, MB",
)  # fmt: skip


def read_runs(folder: str | Path) -> dict[str, dict[str, Any]]:
    """Reads the reports of the run folders in a folder, by their names.

    Raises:
        ValueError: If there is none, or one is not a report.
        OSError: If one cannot be read.
    """
    paths = sorted(Path(folder).glob("*/report.json"))
    if not paths:
        reject("read_runs", "folder", "a folder of run folders with 'report.json'", str(folder))
    return {path.parent.name: read_report(path) for path in paths}


def results_table(runs: Mapping[str, Mapping[str, Any]]) -> str:
    """One line per run: mean ± sample deviation over its seeds and splits, and what it cost.

    Args:
        runs: Reports by the name of the run folder, as ``gclkit reproduce`` names them.

    Returns:
        Markdown. ``n`` is the number of seeds, times the splits where there are several. The
        score is the one that the paper publishes, else the accuracy; minutes are the median epoch
        times the number of epochs.
    """
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    for name, report in runs.items():
        scores = report["results"].get("classification")
        if scores and "published" in report["config"]:  # Else one that 'evaluate' wrote.
            lines.append("| " + " | ".join(_cells(name, report, scores)) + " |")
    return "\n".join(lines)


def _cells(name: str, report: Mapping[str, Any], scores: Mapping[str, Any]) -> list[str]:
    config = report["config"]
    published = config["published"]
    score = next(iter(published), "accuracy")
    untrained = (report.get("baselines") or {}).get("untrained_encoder", {})
    clusters = report["results"].get("clustering", {})
    minutes = report["timing"]["seconds_per_epoch"] * config["training"]["epochs"] / 60
    seeds, splits = len(report["seeds"]), scores[score]["n"] // len(report["seeds"])
    dataset = str((report.get("dataset") or {}).get("name"))
    known = name.startswith(f"{dataset}-")  # A name may hold a hyphen itself.
    recipe = f"{dataset}/{name[len(dataset) + 1 :]}" if known else name.replace("-", "/", 1)
    return [
        recipe,
        str(seeds) if splits == 1 else f"{seeds} × {splits}",
        f"{score.replace('_', ' ')}, {scores['split']}",
        _cell(scores.get(score)),
        _cell(scores.get("papers_probe", {}).get(score)),
        " ± ".join(f"{100 * value:.2f}" for value in published.get(score, ())) or "–",
        _cell(untrained.get(score)),
        _cell(clusters.get("nmi")),
        f"{minutes:.1f}",
        f"{report['timing']['peak_rss_mb']:.0f}",
    ]


def _cell(summary: Mapping[str, Any] | None) -> str:
    return percent(summary) if summary else "–"

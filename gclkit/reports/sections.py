"""The parts of a report that are text and numbers: cards and tables, task by task."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from gclkit.reports.page import card
from gclkit.reports.tables import PERCENT, Table, percent, score_name, score_table, summaries

TASK_TITLES = {
    "classification": "Node classification",
    "clustering": "Clustering",
    "link_prediction": "Link prediction",
}
HEADLINES = {"classification": "accuracy", "clustering": "nmi", "link_prediction": "auc"}


def by_task(section: Mapping[str, Any], task: str) -> Mapping[str, Any]:
    """The scores of a control on a task; those of classification may stand at the top."""
    return section.get(task) or (section if task == "classification" else {})


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
        count = _count(section)
        # What no seed decides, such as raw features, is scored once per split.
        others = [f"{name}: {_count(scores)}" for name, scores in lines if _count(scores) != count]
        beside = f" ({', '.join(others)})" if others else ""
        parts = [f"mean ± standard deviation over n = {count}{beside}"] if count else []
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


def _count(section: Mapping[str, Any]) -> int:
    """How many values the means of a section are of; 0 where that is not said."""
    return max((summary.get("n") or 0 for summary in summaries(section).values()), default=0)


def _variants(method: str, section: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Lines for the same embeddings scored in another way."""
    names = {
        "l2_normalized": "unit rows",
        "papers_probe": "the papers' probe",
        "hard": "two-hop negatives",
    }
    lines = [(f"{method}, {text}", section[key]) for key, text in names.items() if key in section]
    for decoder, scores in (section.get("by_decoder") or {}).items():
        lines.append((f"{method}, decoder {decoder}", scores))
    return lines


def method_name(report: Mapping[str, Any]) -> str:
    """The method of a report, with its regularizer."""
    method = str(report.get("method") or "embeddings")
    return f"{method} + {report['regularizer']}" if report.get("regularizer") else method


def score_cards(report: Mapping[str, Any]) -> str:
    """The headline score of each task and the speed, beside the controls."""
    cards = []
    for task, key in HEADLINES.items():
        scores = summaries(report["results"].get(task) or {})
        if key not in scores:
            continue
        mean, _, spread = percent(scores[key]).partition(" ")
        controls = [
            (100 * summaries(by_task(control, task))[key]["mean"], name.replace("_", " "))
            for name, control in (report.get("baselines") or {}).items()
            if key in summaries(by_task(control, task))
        ]
        note = "; ".join(f"{name} {value:.1f}" for value, name in controls)
        label = f"{TASK_TITLES[task]}, {score_name(key)} in %"
        cards.append(card(label, mean, spread, note))
    timing = report.get("timing") or {}
    if timing.get("seconds_per_epoch"):
        total = timing.get("total_s")
        note = f"{total:,.0f} s in all without this page" if total else ""
        cards.append(
            card("Training, seconds per epoch", f"{timing['seconds_per_epoch']:.3g}", "", note)
        )
    return f'<div class="cards">{"".join(cards)}</div>' if cards else ""


def published_table(published: Mapping[str, Any]) -> str:
    """The figures of a paper, as a table with its heading."""
    rows = tuple(
        (score_name(key), f"{100 * entry['value']:.2f}", str(entry.get("source", "")))
        for key, entry in published.items()
    )
    return f"<h2>Published</h2>{Table(('score', '%', 'source'), rows).to_html()}"


def note_line(text: str) -> str:
    """The small print under a table."""
    return f'<p class="note">{escape(text)}</p>'

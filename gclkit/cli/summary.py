"""The scores of a run as a few lines of text."""

from __future__ import annotations

from typing import Any

COLUMNS = {
    "classification": ("accuracy", "macro_f1"),
    "clustering": ("nmi", "ari", "accuracy"),
    "link_prediction": ("auc", "ap"),
}


def print_summary(report: dict[str, Any]) -> None:
    """Prints each task as a table: the controls, the method and the published figure."""
    from gclkit.reports.sections import by_task
    from gclkit.reports.tables import percent

    rows = {**report.get("baselines", {}), report["method"]: report["results"]}
    for task, scores in COLUMNS.items():
        if task not in report["results"]:
            continue
        split = report["results"][task].get("split", "")
        print(f"\n{report['dataset']['name']}, {task.replace('_', ' ')} {split}".rstrip())
        print(" " * 20 + "".join(f"{score:>18}" for score in scores))
        for name, results in rows.items():
            found = by_task(results, task)
            if any(score in found for score in scores):
                cells = [percent(found[score]) if score in found else "" for score in scores]
                print(f"{name.replace('_', ' '):<20}" + "".join(f"{c:>18}" for c in cells))
        published = report.get("published", {})
        if task == "classification" and published:
            cells = [
                f"{100 * published[score]['value']:.2f}" if score in published else ""
                for score in scores
            ]
            if any(cells):
                print(f"{'published':<20}" + "".join(f"{cell:>18}" for cell in cells))
    timing = report["timing"]
    print(
        f"\n{timing['seconds_per_epoch']:.3f} s per epoch, {timing['total_s']:.1f} s in all "
        f"without the report, {timing['peak_rss_mb']:.0f} MB at most"
    )

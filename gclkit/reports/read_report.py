"""The report.json of a run folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gclkit.checks import reject

SECTIONS = (
    "dataset", "config", "baselines", "published", "timing", "environment", "certificate",
    "diagnostics",
)  # fmt: skip


def read_report(path: str | Path) -> dict[str, Any]:
    """Reads the ``report.json`` of a run folder.

    Raises:
        ValueError: If the file is not a report, or of a later schema.
        OSError: If it cannot be read.
    """
    path = Path(path)
    path = path / "report.json" if path.is_dir() else path
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        reject("read_report", "path", "a report.json", str(path))
    if not isinstance(report, dict) or not isinstance(report.get("results"), dict):
        reject("read_report", "path", "a report.json with 'results'", str(path))
    sections = {
        **{key: report.get(key) for key in SECTIONS},
        **{f"results.{task}": section for task, section in report["results"].items()},
    }
    if isinstance(report.get("baselines"), dict):
        for control, scores in report["baselines"].items():
            sections[f"baselines.{control}"] = scores
    for name, section in sections.items():
        if section is not None and not isinstance(section, dict):
            reject("read_report", name, "a section of a report", section)
    if report.get("schema") != 1:
        reject("read_report", "schema", "1", report.get("schema"))
    return report

"""What a run has taken, over all processes that worked on it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gclkit.cli.run_environment import peak_rss_mb
from gclkit.reports import RunFolder, to_json, write_text
from gclkit.reports.files import read_json


@contextmanager
def total_timing(folder: RunFolder, start: float) -> Iterator[Callable[[], dict[str, float]]]:
    """Gives a function that returns ``total_s``, a sum, and ``peak_rss_mb``, a maximum. What comes
    after its call, such as the writing of the report that holds both, is not in them.

    An interrupted process leaves both in ``timing.json``, for it writes no report. One that was
    killed is not counted.

    Args:
        folder: Of the run.
        start: When this process began, by ``time.perf_counter()``.
    """
    path = folder.path / "timing.json"
    report = read_json(folder.path / "report.json")
    former = _numbers(read_json(path)) or _numbers(report.get("timing"))

    def total() -> dict[str, float]:
        return {
            "total_s": former.get("total_s", 0.0) + time.perf_counter() - start,
            "peak_rss_mb": max(former.get("peak_rss_mb", 0.0), peak_rss_mb()),
        }

    try:
        yield total
    except KeyboardInterrupt:
        if any(folder.path.glob("seed-*/checkpoint.pt")):  # Else there is nothing to go on from.
            write_text(path, to_json(total()))
        raise
    path.unlink(missing_ok=True)


def _numbers(found: Any) -> dict[str, float]:
    """The entries that can be added to; what else stands there was not written by gclkit."""
    entries = found.items() if isinstance(found, dict) else ()
    return {k: v for k, v in entries if isinstance(v, (int, float)) and math.isfinite(v)}

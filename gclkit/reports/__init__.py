"""Scores -> files: report.json, a self-contained page, plots and tables. Sees plain dicts."""

from gclkit.reports.compare import mark_best, write_comparison
from gclkit.reports.files import to_json, write_text, write_yaml
from gclkit.reports.maps import available_projections, project
from gclkit.reports.read_report import read_report
from gclkit.reports.results_table import read_runs, results_table
from gclkit.reports.run_folder import RunFolder
from gclkit.reports.tables import Table, score_table
from gclkit.reports.write import write_report

__all__ = [
    "RunFolder",
    "Table",
    "available_projections",
    "mark_best",
    "project",
    "read_report",
    "read_runs",
    "results_table",
    "score_table",
    "to_json",
    "write_comparison",
    "write_report",
    "write_text",
    "write_yaml",
]

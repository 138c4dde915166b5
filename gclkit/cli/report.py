"""Put many runs side by side: one table and one page from their folders."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb to the parser."""
    parser = commands.add_parser(
        "report",
        help="one table and one page from many runs",
        description=__doc__,
        epilog="example: gclkit report runs/* --out comparison",
    )
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run folders")
    parser.add_argument("--out", type=Path, default=Path("comparison"), help="default: comparison")
    parser.add_argument("--force", action="store_true", help="replace the comparison in --out")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    import os

    from gclkit.checks import reject
    from gclkit.evaluators import differs
    from gclkit.reports import read_report, write_comparison

    if args.out.exists() and not (args.force and (args.out / "comparison.json").is_file()):
        if not args.out.is_dir() or any(args.out.iterdir()):
            rule = "a new folder (--force replaces a comparison, nothing else)"
            reject("report", "out", rule, str(args.out))
    common = os.path.commonpath([path.resolve().parent for path in args.runs])
    runs = {}
    for path in args.runs:
        name = os.path.relpath(path.resolve(), common)
        if name in runs:
            reject("report", "runs", "different folders", str(path))
        if path.is_dir() and not (path / "report.json").is_file():
            unfinished = (path / "config.yaml").is_file()
            rule = "complete runs; resume this one or leave it out" if unfinished else "run folders"
            reject("report", "runs", rule, str(path))
        runs[name] = read_report(path)
    page = write_comparison(args.out, runs, significant=differs)
    print((args.out / "tables.md").read_text(encoding="utf-8"))
    print(f"report: {page}")
    return 0

"""The tables of the README are those of the committed reports."""

from pathlib import Path

import pytest

from gclkit.reports import read_runs, results_table

ROOT = Path(__file__).parents[1]
RUNS = ROOT / "examples" / "results" / "reproduced"


def test_the_table_of_reproduced_recipes_is_the_one_that_the_command_prints():
    if not RUNS.is_dir():
        pytest.skip("an installed package has no examples")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert results_table(read_runs(RUNS)) in readme

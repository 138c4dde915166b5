"""The tables of the README are those of the committed reports, and these of the recipes."""

import json
from pathlib import Path

import pytest

from gclkit.reports import read_runs, results_table
from gclkit.training import list_recipes, resolve_config
from gclkit.training.config import is_measured

ROOT = Path(__file__).parents[1]
RUNS = ROOT / "examples" / "results" / "reproduced"


def test_the_table_of_reproduced_recipes_is_the_one_that_the_command_prints():
    if not RUNS.is_dir():
        pytest.skip("an installed package has no examples")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert results_table(read_runs(RUNS)) in readme


@pytest.mark.parametrize("path", sorted(RUNS.glob("*/report.json")), ids=lambda p: p.parent.name)
def test_a_reproduced_run_has_the_settings_that_its_recipe_has_now(path):
    ran = json.loads(path.read_text(encoding="utf-8"))["config"]
    dataset, _, method = path.parent.name.partition("-")
    recipe = resolve_config(method, dataset)
    assert (ran["model"], ran["training"]) == (recipe.model, recipe.training)


def test_recipes_say_which_of_them_were_run():
    ran = {path.name for path in RUNS.iterdir()}
    assert {
        f"{dataset}-{name}" for dataset, name in list_recipes() if is_measured(dataset, name)
    } == ran

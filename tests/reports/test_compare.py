import json

import numpy as np
import pytest

from gclkit.evaluators import differs, summarize
from gclkit.reports import mark_best, write_comparison
from gclkit.reports.compare import plot_scores


def make_report(name, shift, *, noise=0.002, split_hash="aaaa", dataset="cora"):
    draw = np.random.default_rng(0)
    hard = draw.normal(0.8, 0.03, 10)  # The same splits are hard for every method.
    own = np.random.default_rng(len(name)).normal(0, noise, 10)

    def scores(values):
        return summarize({"seed": 0, "split": i, "value": value} for i, value in enumerate(values))

    return {
        "schema": 1,
        "method": name,
        "dataset": {"name": dataset, "hash": dataset},
        "results": {
            "classification": {
                "accuracy": scores(hard + shift + own),
                "split": "random-10-10-80",
                "split_hash": split_hash,
                "protocol": "p",
            },
            "clustering": {"nmi": scores(0.5 + own), "conductance": scores(0.3 - shift + own)},
        },
        "baselines": {"raw_features": {"classification": {"accuracy": scores(hard - 0.2)}}},
    }


def test_the_best_is_marked_only_where_it_differs(tmp_path):
    runs = {"one": make_report("a", 0.02), "three": make_report("ccc", 0.0)}
    page = write_comparison(tmp_path / "out", runs, significant=differs).read_text()
    tables = (tmp_path / "out" / "tables.md").read_text()
    lines = {
        line.split("|")[1].strip(): line for line in tables.splitlines() if line.startswith("|")
    }
    assert "**" in (tmp_path / "out" / "tables.md").read_text()
    classification = tables.split("## Clustering")[0]
    assert "| one | **" in classification and "| three | **" not in classification
    assert "raw features" in lines and page.count("raw features") >= 2
    clustering = tables.split("## Clustering")[1]
    assert clustering.count("**") == 2  # Conductance differs, NMI does not.
    assert "one" in page and "p &lt; 0.05" in page


def test_near_equals_are_not_marked():
    close = [make_report("a", 0.0005, noise=0.01), make_report("ccc", 0.0, noise=0.01)]
    lines = [(str(i), run["results"]["classification"]) for i, run in enumerate(close)]
    assert mark_best(lines, ["accuracy"], differs) == frozenset()
    assert mark_best(lines, ["accuracy"], lambda one, two: True) != frozenset()
    assert mark_best(lines[:1], ["accuracy"], lambda one, two: True) == frozenset()


def test_lower_conductance_is_better():
    runs = [make_report("a", 0.1), make_report("ccc", 0.0)]
    lines = [(str(i), run["results"]["clustering"]) for i, run in enumerate(runs)]
    assert mark_best(lines, ["conductance"], differs) == frozenset({(0, 1)})


@pytest.mark.parametrize(("key", "factor"), [("accuracy", 100), ("conductance", 1)])
def test_shares_are_drawn_in_percent(key, factor):
    lines = [("a", {"mean": 0.25, "interval": [0.125, 0.5]}), ("b", {"mean": 0.75})]
    axes = plot_scores(lines, key).axes[0]
    drawn = [line.get_xdata() for line in axes.lines]
    expected = [[0.125, 0.5], [0.25], [0.75]]
    assert [list(line) for line in drawn] == [[factor * x for x in line] for line in expected]
    assert axes.get_xlabel().endswith(", %") == (factor == 100)


def test_other_graphs_and_splits_stand_apart(tmp_path):
    runs = {
        "a": make_report("a", 0.0),
        "b": make_report("b", 0.1, split_hash="bbbb"),
        "c": make_report("c", 0.1, dataset="photo"),
    }
    write_comparison(tmp_path, runs, significant=differs)
    groups = json.loads((tmp_path / "comparison.json").read_text())["groups"]
    titles = [group["title"] for group in groups if group["task"] == "classification"]
    assert len(titles) == 3
    assert [len(group["lines"]) for group in groups if group["task"] == "clustering"] == [2, 1]


def test_reports_without_scores_are_refused(tmp_path):
    with pytest.raises(ValueError) as error:
        write_comparison(tmp_path / "x", {"a": {"results": {}}}, significant=differs)
    assert str(error.value) == ("write_comparison: 'runs' must be reports with scores (got ['a'])")
    assert not (tmp_path / "x").exists()

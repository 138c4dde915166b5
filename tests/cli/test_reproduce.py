import json

import pytest
import yaml

from gclkit.cli import reproduce
from gclkit.cli.main import main
from gclkit.evaluators import AdamProbe
from gclkit.graphs import load
from gclkit.training import RunConfig, list_recipes


@pytest.fixture
def short(monkeypatch):
    """The sbm recipe cut to three epochs, with a published figure."""

    def resolve(method, dataset):
        return RunConfig(
            method,
            dataset,
            model={"out_channels": 4, "projection_channels": 4},
            training={"epochs": 3, "lr": 1e-3},
            published={"accuracy": [0.9, 0.05]},
        )

    monkeypatch.setattr("gclkit.training.resolve_config", resolve)
    small = load("sbm", num_nodes=160, log=None)
    monkeypatch.setattr("gclkit.cli.run_graph.load", lambda *args, **options: small.clone())
    monkeypatch.setattr("gclkit.cli.score_run.AdamProbe", lambda: AdamProbe(steps=20))


def test_lists_every_recipe(capsys):
    assert main(["reproduce", "--list"]) == 0
    out = capsys.readouterr().out
    for dataset, method in list_recipes():
        assert f"{dataset}/{method} " in out
    assert "photo/csgcl              ours        200  yes       accuracy 93.32" in out
    assert "wikics/csgcl             authors    2000  not run   accuracy 78.60" in out


def test_compares_resumes_and_takes_more_seeds(short, tmp_path, capsys):
    arguments = ["reproduce", "sbm/grace", "--quiet", "--num-splits", "2", "--out", str(tmp_path)]
    assert main([*arguments, "--seeds", "0", "1", "--minutes", "1e-9"]) == 130
    assert "the same command continues" in capsys.readouterr().out
    assert not (tmp_path / "sbm-grace" / "report.json").exists()
    assert main([*arguments, "--seeds", "0"]) == 0
    line, other = capsys.readouterr().out.splitlines()[-2:]
    assert line.startswith("sbm/grace: accuracy ") and "published 90.00, difference " in line
    assert line.endswith("deviations")
    assert other.startswith("sbm/grace, the papers' probe: accuracy ")
    assert main([*arguments, "--seeds", "0", "1"]) == 0
    report = json.loads((tmp_path / "sbm-grace" / "report.json").read_text())
    assert report["seeds"] == [0, 1] and report["results"]["classification"]["accuracy"]["n"] == 4


def test_a_finished_run_is_printed_again_and_left_as_it_is(short, tmp_path, capsys, monkeypatch):
    arguments = ["reproduce", "sbm/grace", "--quiet", "--num-splits", "2", "--seeds", "0"]
    assert main([*arguments, "--out", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()[-2:]
    before = (tmp_path / "sbm-grace" / "report.json").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("gclkit.cli.experiment.run_experiment", None)
        assert main([*arguments, "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == lines
    assert (tmp_path / "sbm-grace" / "report.json").read_bytes() == before
    other = ["--num-splits", "3", "--out", str(tmp_path)]
    assert main([*arguments, *other]) == 0
    assert (tmp_path / "sbm-grace" / "report.json").read_bytes() != before


def test_refuses_the_run_of_another_configuration(short, tmp_path, capsys):
    folder = tmp_path / "sbm-grace"
    folder.mkdir()
    other = RunConfig("grace", "sbm", model={"out_channels": 5})
    (folder / "config.yaml").write_text(yaml.safe_dump(other.to_dict()))
    assert main(["reproduce", "sbm/grace", "--out", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert "must be that of the run that is there; choose another --out" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "'recipes' must be one DATASET/METHOD or more, or use --list (got 'none')"),
        (["mars/csgcl"], "gclkit: reproduce: 'recipes' must be one of ['"),
        (["photo/csgcl", "--num-splits", "0"], "reproduce: 'num-splits' must be an integer of"),
        (["photo/csgcl", "--seeds", "-2"], "'seeds' must be an integer of at least 0 (got -2)"),
        (["photo/csgcl", "--minutes", "0"], "'minutes' must be a positive number (got 0.0)"),
    ],
)
def test_refusals(arguments, sentence, capsys):
    assert main(["reproduce", *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_difference_in_own_deviations_where_none_is_published(capsys):
    score = {"mean": 0.80, "std": 0.01, "n": 5}
    report = {
        "results": {"classification": {"split": "public", "micro_f1": score}},
        "config": {"published": {"micro_f1": [0.782]}},
    }
    reproduce._print_comparison("cora/grace", report)
    assert capsys.readouterr().out == (
        "cora/grace: micro_f1 80.00 ± 1.00 (n=5, public), published 78.20, "
        "difference +1.80 = +1.8 deviations\n"
    )
    other = {"split": "public", "micro_f1": {**score, "mean": 0.772, "std": None}}
    report["results"]["classification"]["papers_probe"] = other
    reproduce._print_comparison("cora/grace", report)
    assert capsys.readouterr().out.splitlines()[1] == (
        "cora/grace, the papers' probe: micro_f1 77.20 (n=5, public), published 78.20, "
        "difference -1.00"
    )


def test_prints_the_table_of_finished_runs(short, tmp_path, capsys):
    options = ["--quiet", "--num-splits", "2", "--seeds", "0", "--out", str(tmp_path)]
    main(["reproduce", "sbm/grace", *options])
    capsys.readouterr()
    assert main(["reproduce", "--table", str(tmp_path)]) == 0
    line = capsys.readouterr().out.splitlines()[2]
    assert line.startswith("| sbm/grace | 1 × 2 | accuracy, random-10-10-80 | ")
    assert " | 90.00 ± 5.00 | " in line


def test_refuses_an_unknown_task(capsys):
    assert main(["reproduce", "sbm/grace", "--tasks", "ranking"]) == 2
    assert "reproduce: 'tasks' must be one of" in capsys.readouterr().err
    assert main(["reproduce", "sbm/grace", "--controls", "noise"]) == 2
    assert "reproduce: 'controls' must be one of" in capsys.readouterr().err


def test_without_classification_the_scores_are_printed(short, tmp_path, capsys):
    arguments = ["reproduce", "SBM/grace", "--quiet", "--seeds", "0", "--out", str(tmp_path)]
    assert main([*arguments, "--tasks", "clustering", "--controls", "raw_features"]) == 0
    assert "sbm, clustering" in capsys.readouterr().out

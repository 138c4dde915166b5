import json

import pytest

from gclkit.reports import read_runs, results_table


def make_report(**change):
    scores = {
        "split": "random-10-10-80",
        "accuracy": {"mean": 0.9312, "std": 0.0045, "n": 15},
        "papers_probe": {"accuracy": {"mean": 0.929, "std": 0.003}},
    }
    report = {
        "schema": 1,
        "seeds": [0, 1, 2],
        "config": {"published": {"accuracy": [0.9332, 0.0021]}, "training": {"epochs": 120}},
        "results": {
            "classification": scores,
            "clustering": {"nmi": {"mean": 0.654, "std": None}},
        },
        "baselines": {"untrained_encoder": {"accuracy": {"mean": 0.87, "std": 0.01}}},
        "timing": {"seconds_per_epoch": 2.5, "peak_rss_mb": 1234.5},
    }
    return {**report, **change}


def test_one_line_per_run_beside_the_published_figure():
    lines = results_table({"photo-csgcl": make_report()}).splitlines()
    assert len(lines) == 3
    cells = [cell.strip() for cell in lines[2].strip("|").split("|")]
    assert cells == [
        "photo/csgcl", "3 × 5", "accuracy, random-10-10-80", "93.12 ± 0.45", "92.90 ± 0.30",
        "93.32 ± 0.21", "87.00 ± 1.00", "65.40", "5.0", "1234",
    ]  # fmt: skip


def test_a_score_that_no_paper_gives_is_the_accuracy():
    config = {"published": {}, "training": {"epochs": 120}}
    line = results_table({"cora-grace-pot": make_report(config=config)}).splitlines()[2]
    assert line.startswith("| cora/grace-pot | 3 × 5 | accuracy, ") and " | – | " in line


def test_the_score_is_the_one_that_the_paper_gives():
    scores = {"split": "public", "micro_f1": {"mean": 0.8, "std": None, "n": 3}}
    config = {"published": {"micro_f1": [0.782]}, "training": {"epochs": 120}}
    report = make_report(config=config, results={"classification": scores}, baselines={})
    cells = results_table({"cora-grace": report}).splitlines()[2].split(" | ")
    assert cells[1:8] == ["3", "micro f1, public", "80.00", "–", "78.20", "–", "–"]


def test_a_dataset_may_have_a_hyphen_in_its_name():
    report = make_report(dataset={"name": "ogbn-arxiv"})
    line = results_table({"ogbn-arxiv-grace-pot": report}).splitlines()[2]
    assert line.startswith("| ogbn-arxiv/grace-pot | ")


def test_what_evaluate_wrote_is_left_out():
    scored = make_report(config={"embeddings": ["z.npy"]})
    assert len(results_table({"mine": scored, "photo-csgcl": make_report()}).splitlines()) == 3


def test_reads_the_runs_of_a_folder(tmp_path):
    for name in ("photo-gca", "cora-dgi"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(json.dumps(make_report()))
    (tmp_path / "half-written").mkdir()
    assert list(read_runs(tmp_path)) == ["cora-dgi", "photo-gca"]


def test_refuses_a_folder_without_runs(tmp_path):
    with pytest.raises(ValueError, match=r"a folder of run folders with 'report\.json'"):
        read_runs(tmp_path)

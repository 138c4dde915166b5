import importlib
import json
import os

import numpy as np
import pytest
import torch

from gclkit.cli.main import main
from gclkit.evaluators import split_edges
from gclkit.graphs import load
from gclkit.reports import write_report


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    """A file of an own graph, its embeddings and the edge split they were trained on."""
    folder = tmp_path_factory.mktemp("graph")
    from gclkit.testing.graphs import random_graph

    data = random_graph(120, 6, mean_degree=6.0, seed=0)
    np.savez(
        folder / "g.npz", x=data.x.numpy(), edge_index=data.edge_index.numpy(), y=data.y.numpy()
    )
    np.save(folder / "z.npy", data.x.numpy())
    torch.save(data.x[:, :4], folder / "z.pt")
    split_edges(load(folder / "g.npz", log=None)).save(folder / "split.npz")
    return folder


def test_prints_tables_beside_the_raw_features(graph, capsys):
    assert main(["evaluate", str(graph / "z.npy"), "--dataset", str(graph / "g.npz")]) == 0
    out = capsys.readouterr().out
    assert "Node classification" in out and "Clustering" in out and "Link" not in out
    assert "| z |" in out and "| raw features |" in out
    assert "split random-10-10-80 (hash " in out and "test read once" in out


def test_the_embeddings_are_scored_and_printed_before_the_control(graph, monkeypatch, capsys):
    rooms = importlib.import_module("gclkit.evaluators")
    printed, evaluate = [], rooms.evaluate

    def spy(*args, **options):
        printed.append(capsys.readouterr().out)
        return evaluate(*args, **options)

    monkeypatch.setattr(rooms, "evaluate", spy)
    arguments = [str(graph / "z.npy"), "--dataset", str(graph / "g.npz"), "--num-splits", "1"]
    assert main(["evaluate", *arguments]) == 0
    assert len(printed) == 2 and "| z |" not in printed[0] and "| z |" in printed[1]
    assert "raw features |" not in printed[1] and "control raw_features" in printed[1]
    last = capsys.readouterr().out
    assert "| raw features |" in last and "| z" not in last, "nothing is printed twice"
    assert last.count("over n = 1;") == 1, "its note counts its own values"


def test_a_graph_without_labels_asks_for_them(graph, tmp_path, capsys):
    with np.load(graph / "g.npz") as parts:
        np.savez(tmp_path / "bare.npz", x=parts["x"], edge_index=parts["edge_index"])
    assert main(["evaluate", str(graph / "z.npy"), "--dataset", str(tmp_path / "bare.npz")]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "gclkit: evaluate: 'labels' must be given for classification and clustering, since the "
        "graph has none (got None)"
    )


def test_a_control_that_does_not_fit_is_refused_first(graph, monkeypatch, capsys):
    monkeypatch.setattr("gclkit.ops.memory.available_bytes", lambda device: 2 * 120 * 6 * 4 - 1)
    arguments = ["evaluate", str(graph / "z.npy"), "--dataset", str(graph / "g.npz")]
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.splitlines()[-1] == (
        "gclkit: evaluate: needs about 5.8 kB for the control raw_features, 120 x 6 dense; "
        "leave it out with --no-controls"
    )
    assert "evaluating" not in captured.out
    assert main([*arguments, "--no-controls", "--num-splits", "1"]) == 0


def test_writes_a_run_folder_with_all_tasks(graph, tmp_path, capsys):
    arguments = [
        "evaluate", str(graph / "z.npy"), str(graph / "z.pt"), "--dataset", str(graph / "g.npz"),
        "--tasks", "classification", "clustering", "link_prediction",
        "--edge-split", str(graph / "split.npz"), "--num-splits", "2", "--shots", "1", "5",
        "--out", str(tmp_path / "run"),
    ]  # fmt: skip
    assert main(arguments) == 0
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["seeds"] == [0, 1] and report["dataset"]["nodes"] == 120
    assert report["results"]["classification"]["accuracy"]["n"] == 4
    assert set(report["results"]["classification"]["few_labels"]) == {"1", "5"}
    assert report["results"]["link_prediction"]["auc"]["n"] == 2
    for section in (report["results"], report["baselines"]["raw_features"]):
        assert "as stated by whoever gave the edge split" in section["link_prediction"]["protocol"]
    assert (tmp_path / "run" / "report.html").is_file()
    capsys.readouterr()
    before = {entry.name: entry.stat().st_mtime_ns for entry in (tmp_path / "run").iterdir()}
    assert main(arguments) == 2  # Nothing is overwritten unasked.
    assert "evaluate: 'out' must be a new folder (--force" in capsys.readouterr().err
    after = {entry.name: entry.stat().st_mtime_ns for entry in (tmp_path / "run").iterdir()}
    assert {k: v for k, v in before.items() if k != ".lock"} == {
        k: v for k, v in after.items() if k != ".lock"
    }
    assert main([*arguments, "--force"]) == 0


@pytest.mark.parametrize("probe", ["svm", "knn", "forest"])
def test_other_probes(graph, capsys, probe):
    arguments = ["--tasks", "classification", "--probe", probe, "--num-splits", "1"]
    arguments += ["--dataset", str(graph / "g.npz"), "--no-controls"]
    assert main(["evaluate", str(graph / "z.npy"), *arguments]) == 0
    out = capsys.readouterr().out
    assert "raw features" not in out and "test read once" in out


def test_bad_input_is_one_line(graph, tmp_path, capsys):
    np.save(tmp_path / "nan.npy", np.full((120, 3), np.nan))
    np.save(tmp_path / "short.npy", np.ones((7, 3)))
    np.save(tmp_path / "flat.npy", np.ones(120))
    np.save(tmp_path / "same.npy", np.ones((120, 3)))
    np.save(tmp_path / "object.npy", np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "text.npy").write_text("no array")
    dataset = ["--dataset", str(graph / "g.npz")]
    good = str(graph / "z.npy")
    out = tmp_path / "out"
    for arguments, part in (
        ([str(tmp_path / "nan.npy"), *dataset], "finite (got '360 of 360 entries NaN"),
        ([str(tmp_path / "short.npy"), *dataset], "of 120 rows, one per node (got (7, 3))"),
        ([str(tmp_path / "flat.npy"), *dataset], "a matrix of one row per node"),
        ([str(tmp_path / "same.npy"), *dataset], "different between nodes"),
        ([str(tmp_path / "object.npy"), *dataset], "without pickled objects"),
        ([str(tmp_path / "text.npy"), *dataset], "without pickled objects"),
        ([str(tmp_path / "missing.npy"), *dataset], "missing.npy"),
        ([good, "--dataset", "unheard"], "unheard"),
        ([good, *dataset, "--splits", "5shot"], "'splits' must be one of"),
        ([good, *dataset, "--num-splits", "0"], "an integer of at least 1 (got 0)"),
        ([good, *dataset, "--splits", "60-shot"], "smaller than every class"),
        ([good, *dataset, "--splits", "public"], "published split"),
        (
            [good, *dataset, "--tasks", "link_prediction"],
            "evaluate: 'edge-split' must be the file of the edge split that the embeddings were "
            "trained on (got None)",
        ),
        (
            [good, *dataset, "--tasks", "link_prediction", "--edge-split", str(graph / "g.npz")],
            "a file written by EdgeSplit.save",
        ),
    ):
        capsys.readouterr()
        assert main(["evaluate", *arguments, "--out", str(out)]) == 2, arguments
        err = capsys.readouterr().err.splitlines()
        assert part in err[-1] and err[-1].startswith("gclkit: "), err
        assert len([line for line in err if line.startswith("gclkit: ")]) == 1
        assert not out.exists() or not [n for n in os.listdir(out) if n != ".lock"], arguments


def test_the_way_out_for_unknown_labels_works(graph, tmp_path, capsys):
    with np.load(graph / "g.npz") as arrays:
        parts = {name: arrays[name] for name in ("x", "edge_index")}
        np.savez(tmp_path / "g.npz", **parts, y=np.where(np.arange(120) < 90, arrays["y"], -1))
    arguments = ["evaluate", str(graph / "z.npy"), "--dataset", str(tmp_path / "g.npz")]
    assert main(arguments) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "gclkit: evaluate: 'y' must be classes numbered from 0 (--tasks classification reads those "
        "of its splits alone) (got -1)"
    )
    assert main([*arguments, "--tasks", "classification", "--num-splits", "1"]) == 0


def test_a_graph_without_features(graph, tmp_path, capsys):
    with np.load(graph / "g.npz") as arrays:
        np.savez(tmp_path / "bare.npz", edge_index=arrays["edge_index"], y=arrays["y"])
    arguments = ["evaluate", str(graph / "z.npy"), "--dataset", str(tmp_path / "bare.npz")]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "| z |" in out and "raw features" not in out


def test_a_refused_command_deletes_no_run(graph, tmp_path):
    arguments = ["evaluate", str(graph / "z.npy"), "--dataset", str(graph / "g.npz")]
    arguments += ["--out", str(tmp_path / "run"), "--num-splits", "1"]
    assert main(arguments) == 0
    before = (tmp_path / "run" / "report.json").read_bytes()
    assert main([*arguments, "--force", "--splits", "nonsense"]) == 2
    assert (tmp_path / "run" / "report.json").read_bytes() == before


def test_only_an_evaluation_is_replaced(graph, tmp_path, capsys):
    out = tmp_path / "run"
    z = out / "z.npy"
    arguments = ["evaluate", str(graph / "z.npy"), "--dataset", str(graph / "g.npz")]
    arguments += ["--out", str(out), "--num-splits", "1", "--tasks", "classification"]
    assert main(arguments) == 0
    z.write_bytes((graph / "z.npy").read_bytes())
    arguments[1] = str(z)  # What is evaluated would go with the folder.
    assert main([*arguments, "--force"]) == 2 and z.exists()
    z.unlink()
    trained = {"results": {}, "config": {"method": "grace"}}
    write_report(out, trained)
    arguments[1] = str(graph / "z.npy")
    before = (out / "report.json").read_bytes()
    assert main([*arguments, "--force"]) == 2
    assert (out / "report.json").read_bytes() == before
    sentence = "evaluate: 'out' must be a new folder (--force replaces what evaluate wrote, nothing"
    assert capsys.readouterr().err.count(sentence) == 2

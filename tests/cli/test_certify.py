import json

import numpy as np
import pytest

from gclkit.cli.kept_certificate import checkpoint_hash
from gclkit.cli.main import main
from gclkit.graphs import load
from gclkit.reports import write_report, write_yaml
from gclkit.testing.graphs import random_graph
from gclkit.training import RunConfig, build_method, pretrain
from gclkit.training.run_settings import RunSettings


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    arguments = "--method grace --dataset sbm --seeds 1 --epochs 3 --num-splits 1 --quiet"
    sizes = "--set out_channels=8 hidden_channels=8 projection_channels=8"
    command = ["train", *arguments.split(), *sizes.split(), "--anchors", "32"]
    assert main([*command, "--out", str(folder)]) == 0
    return folder


def trained(folder, method, **model):
    """What certify reads of a run: its report, configuration, graph and checkpoint."""
    graph = random_graph(60, 6, seed=3)
    np.savez(folder / "own.npz", x=graph.x.numpy(), edge_index=graph.edge_index.numpy())
    model = {"out_channels": 4, **model}
    config = RunConfig(method, str(folder / "own.npz"), model, run=RunSettings(seeds=[5]))
    write_yaml(folder / "config.yaml", config.to_dict())
    write_report(folder, {"method": method, "results": {}})
    data = load(folder / "own.npz", log=None)
    checkpoint = folder / "seed-5" / "checkpoint.pt"
    pretrain(build_method(config, 6), data, epochs=1, seed=5, checkpoint=checkpoint)


def certify(folder, *more):
    return main(["certify", str(folder), "--nodes", "12", "--views", "3", "--rounds", "2", *more])


def test_certify_a_run(run_folder, capsys):
    assert certify(run_folder, "--p", "0.1") == 0
    printed = capsys.readouterr().out
    assert "certified positive" in printed and "realised rate" in printed
    section = json.loads((run_folder / "report.json").read_text())["certificate"]
    with np.load(run_folder / "certificate.npz") as arrays:
        assert set(arrays) >= {"nodes", "clean", "bound", "sampled", "searched", "community"}
        assert len(arrays["nodes"]) == section["nodes"] == 12
        assert section["certified_positive"] == pytest.approx((arrays["bound"] > 0).mean())
        assert f"certified positive  {100 * section['certified_positive']:.4g} %\n" in printed
        assert (arrays["bound"] <= np.minimum(arrays["sampled"], arrays["searched"]) + 1e-4).all()
    assert sum(row["nodes"] for row in section["by_degree"]) == 12
    page = (run_folder / "report.html").read_text()
    assert page.count("<h2>Certificate</h2>") == 1
    assert (run_folder / "plots" / "certificate_scatter.png").exists()

    assert section["checkpoint"] == checkpoint_hash(run_folder / "seed-1" / "checkpoint.pt")

    assert certify(run_folder, "--tightness", "budget") == 0
    again = json.loads((run_folder / "report.json").read_text())
    assert again["certificate"]["p"] == 0.2 and again["results"], "the report is kept"
    assert (run_folder / "report.html").read_text().count("<h2>Certificate</h2>") == 1


@pytest.mark.parametrize("model", [{}, {"ego": True}, {"topic_neighbors": 4}])
def test_a_part_of_the_embedding_is_called_one(model, tmp_path, capsys):
    trained(tmp_path, "grace", projection_channels=4, **model)
    assert certify(tmp_path) == 0
    printed = capsys.readouterr().out
    assert ("of the embedding the encoder's output alone" in printed) == bool(model)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["certificate"]["whole_embedding"] == (not model)


def test_a_sum_of_two_encoders_is_refused(tmp_path, capsys):
    trained(tmp_path, "mvgrl")
    assert certify(tmp_path) == 2
    sentence = "certify: 'method' must be one that embeds by its encoder alone (got 'mvgrl')"
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "certificate.npz").exists()


def test_boxes_that_do_not_fit_are_refused_and_the_way_out_works(tmp_path, monkeypatch, capsys):
    trained(tmp_path, "grace", projection_channels=4)
    monkeypatch.setattr("gclkit.bounds.by_count.available_bytes", lambda device: 1000)
    assert certify(tmp_path) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("gclkit: certify: needs about ") and "--tightness budget" in line
    assert "bounds of" not in captured.out and not (tmp_path / "certificate.npz").exists()
    assert certify(tmp_path, "--tightness", "budget") == 0
    printed = capsys.readouterr().out
    steps = ["bounds of 12 nodes", "over 3 sampled views", "in 2 rounds", "communities"]
    assert sorted(steps, key=printed.index) == steps


def test_a_full_disk_leaves_the_former_certificate(run_folder, monkeypatch, capsys):
    path = run_folder / "certificate.npz"
    path.write_bytes(b"former")

    def fill(place, **arrays):
        np.savez(place, half=np.arange(3))
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez_compressed", fill)
    assert certify(run_folder, "--tightness", "interval") == 2
    assert "no space left" in capsys.readouterr().err
    assert path.read_bytes() == b"former"


def test_refusals(run_folder, tmp_path, capsys):
    assert certify(tmp_path) == 2
    assert certify(run_folder, "--p", "1.5") == 2
    assert certify(run_folder, "--seed", "7") == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3 and all(line.startswith("gclkit: ") for line in lines)
    assert "'p' must be a probability in [0, 1] (got 1.5)" in lines[1]
    assert "no checkpoint" in lines[2]


def test_a_run_that_is_not_complete_is_refused_first(run_folder, tmp_path, capsys):
    for name in ("config.yaml", "seed-1"):
        (tmp_path / name).symlink_to(run_folder / name)
    assert certify(tmp_path) == 2
    assert "certify: 'run' must be a complete run; 'gclkit train" in capsys.readouterr().err
    assert not (tmp_path / "certificate.npz").exists()


@pytest.mark.parametrize("fault", ["bad report", "no page", "not writable"])
def test_what_would_fail_at_the_end_is_refused_first(fault, tmp_path, monkeypatch, capsys):
    trained(tmp_path, "grace", projection_channels=4)

    def fail(*args, **options):
        raise AssertionError("the graph was read")

    monkeypatch.setattr("gclkit.cli.run_graph.load", fail)
    sentence = {
        "bad report": "read_report: 'path' must be a report.json (got ",
        "no page": "certify: 'run' must be a complete run; ",
        "not writable": f"certify: '{tmp_path}' cannot be written to",
    }[fault]
    if fault == "bad report":
        (tmp_path / "report.json").write_text("{")
    if fault == "no page":
        (tmp_path / "report.html").unlink()
    if fault == "not writable":  # Root may write everywhere.
        monkeypatch.setattr("os.access", lambda path, mode: False)
    assert certify(tmp_path) == 2
    assert capsys.readouterr().err.startswith(f"gclkit: {sentence}")

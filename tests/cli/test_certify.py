import json

import numpy as np
import pytest

from gclkit.cli.main import main


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    arguments = "--method grace --dataset sbm --seeds 1 --epochs 3 --num-splits 1 --quiet"
    sizes = "--set out_channels=8 hidden_channels=8 projection_channels=8"
    command = ["train", *arguments.split(), *sizes.split(), "--anchors", "32"]
    assert main([*command, "--out", str(folder)]) == 0
    return folder


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
        assert (arrays["bound"] <= np.minimum(arrays["sampled"], arrays["searched"]) + 1e-4).all()
    assert sum(row["nodes"] for row in section["by_degree"]) == 12
    page = (run_folder / "report.html").read_text()
    assert page.count("<h2>Certificate</h2>") == 1
    assert (run_folder / "plots" / "certificate_scatter.png").exists()

    assert certify(run_folder, "--tightness", "budget") == 0
    again = json.loads((run_folder / "report.json").read_text())
    assert again["certificate"]["p"] == 0.2 and again["results"], "the report is kept"
    assert (run_folder / "report.html").read_text().count("<h2>Certificate</h2>") == 1


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

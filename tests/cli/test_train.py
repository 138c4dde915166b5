import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import yaml

from gclkit.cli.choices import TASKS
from gclkit.cli.main import build_parser, main
from gclkit.cli.train import _config
from gclkit.training.config import _read_recipe
from gclkit.training.run_settings import RunSettings

SETTINGS = ["--epochs", "3", "--quiet", "--num-splits", "2"]
SETTINGS += ["--set", "out_channels=8", "projection_channels=8", "gamma_start=1"]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Arguments for a run on an own graph of 90 nodes."""
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    pairs = np.argwhere(np.triu(rng.random((90, 90)) < np.where(y[:, None] == y, 0.3, 0.02), 1))
    x = np.eye(3)[y] + rng.random((90, 3))
    path = tmp_path_factory.mktemp("graph") / "own.npz"
    np.savez(path, edge_index=pairs.T, x=x, y=y)
    return ["--dataset", str(path), *SETTINGS]


@pytest.fixture(scope="module")
def run(small, tmp_path_factory):
    out = tmp_path_factory.mktemp("train") / "run"
    arguments = ["train", *small, "--seeds", "0", "4", "--evaluate-every", "2", "--out", str(out)]
    assert main(arguments) == 0
    return out


def test_the_folder_is_as_documented(run):
    assert {p.name for p in run.iterdir() if not p.name.startswith(".")} >= {
        "config.yaml",
        "plots",
        "report.html",
        "report.json",
        "seed-0",
        "seed-4",
    }
    for seed in (0, 4):
        names = {p.name for p in (run / f"seed-{seed}").iterdir()}
        assert {"embeddings.npy", "checkpoint.pt", "history.jsonl"} <= names
        assert np.load(run / f"seed-{seed}" / "embeddings.npy").shape == (90, 8)
        rows = (run / f"seed-{seed}" / "history.jsonl").read_text().splitlines()
        assert len(rows) == 3 and "val_accuracy" in json.loads(rows[1])
    assert list((run / "plots").glob("*.png"))


def test_the_report_follows_the_schema(run):
    report = json.loads((run / "report.json").read_text())
    assert (report["schema"], report["status"]) == (1, "complete")
    assert report["seeds"] == [0, 4] and report["regularizer"] is None
    assert report["dataset"]["nodes"] == 90 and len(report["dataset"]["hash"]) >= 16
    accuracy = report["results"]["classification"]["accuracy"]
    assert accuracy["n"] == 4 and len(accuracy["values"]) == 4
    assert {"seed", "split", "value"} == set(accuracy["values"][0])
    assert report["results"]["classification"]["split"] == "random-10-10-80"
    names = {"raw_features", "untrained_encoder", "propagated_features", "spectral_embedding"}
    assert set(report["baselines"]) == names
    assert all(0 < control["accuracy"]["mean"] <= 1 for control in report["baselines"].values())
    assert {"communities_s", "seconds_per_epoch", "total_s", "peak_rss_mb"} == set(report["timing"])
    environment = {"gclkit", "torch", "device", "threads", "precision", "backend", "determinism"}
    assert environment == set(report["environment"])
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["model"]["out_channels"] == 8 and config["training"]["epochs"] == 3


def test_all_tasks_and_the_regularizer(small, tmp_path):
    run = tmp_path / "run"
    arguments = ["train", *small, "--seeds", "3", "--tasks", "all", "--regularizer", "pot"]
    assert main([*arguments, "--kappa", "0.3", "--out", str(run)]) == 0
    report = json.loads((run / "report.json").read_text())
    assert report["regularizer"] == "pot" and report["config"]["run"]["kappa"] == 0.3
    assert set(report["results"]) == {"classification", "clustering", "link_prediction"}
    assert report["results"]["link_prediction"]["split"] == "85-5-10"
    controls = report["baselines"]
    assert all("auc" in control["link_prediction"] for control in controls.values())
    assert "nmi" in controls["propagated_features"]["clustering"]
    link = run / "seed-3" / "link_prediction"
    z = np.load(link / "embeddings.npy")
    assert not np.array_equal(z, np.load(run / "seed-3" / "embeddings.npy"))
    assert (link / "edge_split.npz").exists()


def test_a_graph_without_labels(small, tmp_path, capsys):
    with np.load(small[1]) as file:
        np.savez(tmp_path / "unlabelled.npz", edge_index=file["edge_index"], x=file["x"])
    arguments = ["--dataset", str(tmp_path / "unlabelled.npz"), *small[2:], "--seeds", "0"]
    assert main(["train", *arguments, "--out", str(tmp_path / "run")]) == 0
    assert "no labels: classification and clustering are left out" in capsys.readouterr().out
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["results"] == {} and "diagnostics" in report


def test_the_page_asks_the_network_for_nothing(run):
    page = (run / "report.html").read_text()
    assert "own" in page and "<html" in page.lower()
    assert 'src="http' not in page and 'href="http' not in page


def test_the_same_seeds_give_the_same_results(run, small, tmp_path):
    again = tmp_path / "again"
    assert main(["train", *small, "--seeds", "0", "--out", str(again)]) == 0
    a, b = (np.load(folder / "seed-0" / "embeddings.npy") for folder in (run, again))
    assert np.array_equal(a, b)


def test_a_finished_run_is_left_alone(run, small, capsys):
    before = (run / "report.json").read_bytes()
    assert main(["train", *small, "--out", str(run)]) == 2
    assert "holds a complete run" in capsys.readouterr().err
    assert (run / "report.json").read_bytes() == before


def test_interrupted_and_resumed_is_uninterrupted(small, tmp_path):
    run, whole = tmp_path / "run", tmp_path / "whole"
    arguments = [*small, "--epochs", "60", "--seeds", "2", "--checkpoint-every", "10"]
    child = subprocess.Popen(
        [sys.executable, "-m", "gclkit", "train", *arguments, "--out", str(run)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while child.poll() is None and not (run / "seed-2" / "checkpoint.pt").exists():
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=120)
    if child.returncode == 130:
        assert "resume with: gclkit train --resume" in out, err
        assert not (run / "report.json").exists()
        assert main(["train", "--resume", str(run), "--quiet"]) == 0
    else:
        assert child.returncode == 0, "it was done before the signal came"
    assert main(["train", *arguments, "--out", str(whole)]) == 0
    a, b = (np.load(folder / "seed-2" / "embeddings.npy") for folder in (run, whole))
    assert np.array_equal(a, b)


def test_a_dry_run_prints_the_memory_and_writes_nothing(small, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["--dry-run", "--regularizer", "pot", "--out", str(tmp_path / "run")]
    assert main(["train", *small, *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    sizes = {line[:20].strip(): float(line.split()[-2].replace(",", "")) for line in lines[-8:]}
    assert next(iter(sizes)) == "process base" and list(sizes)[-2:] == ["optimizer", "total"]
    total = sizes.pop("total")
    assert sizes["POT"] > 0 and sum(sizes.values()) == pytest.approx(total, abs=0.5)
    assert not list(tmp_path.iterdir())


def test_more_memory_than_there_is_leaves_nothing(small, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("gclkit.training.memory.available_bytes", lambda device: 1000)
    for further in ([], ["--dry-run"]):
        assert main(["train", *small, *further]) == 2
        line = capsys.readouterr().err.splitlines()[-1]
        assert line.startswith("gclkit: CSGCL: needs about ") and "use smaller out_channels" in line
        assert not list(tmp_path.glob("runs/*"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--method", "simclr"], "train: 'method' must be one of ["),
        (["--dataset", "corra"], "gclkit: "),
        (["--seeds", "-1"], "train: 'seeds' must be an integer of at least 0 (got -1)"),
        (["--seeds", "1", "1"], "train: 'seeds' must be different numbers (got [1, 1])"),
        (["--tasks", "ranking"], "train: 'tasks' must be one of ["),
        (["--set", "tau=0.3"], "gclkit: train: 'set' must be one of ['"),
        (["--set", "temperature"], "train: 'set' must be KEY=VALUE with a YAML value"),
        (["--epochs", "0"], "pretrain: 'epochs' must be an integer of at least 1 (got 0)"),
        (["--temperature", "-1"], "CSGCL: 'temperature' must be a positive number (got -1.0)"),
        (["--threads", "0"], "train: 'threads' must be an integer of at least 1 (got 0)"),
        (["--resume", "nothing"], "gclkit: RunFolder: 'nothing' holds no run to resume"),
        (["--num-splits", "0"], "train: 'num-splits' must be an integer of at least 1 (got 0)"),
        (["--checkpoint-every", "0"], "train: 'checkpoint-every' must be an integer of at"),
        (["--evaluate-every", "0"], "train: 'evaluate-every' must be an integer of at least 1"),
        (["--lr", "nan"], "pretrain: 'lr' must be a positive number (got nan)"),
        (["--schedule", "linear"], "pretrain: 'schedule' must be one of ['constant', 'cosine']"),
        (["--warmup", "-1"], "pretrain: 'warmup' must be an integer of at least 0 (got -1)"),
        (["--max-grad-norm", "0"], "pretrain: 'max_grad_norm' must be a positive number"),
        (["--seeds", str(2**63)], f"train: 'seeds' must be a seed below 2^63 (got {2**63})"),
        (["--device", "abacus"], "train: 'device' must be one that PyTorch can use here (got 'ab"),
        (["--memory-budget", "1", "--seeds", "0"], "use a larger memory_budget"),
        (["--kappa", "0.3"], "train: 'kappa' must be left out without a regularizer (got 0.3)"),
        (["--pot-anchors", "0"], "train: 'pot-anchors' must be an integer of at least 1 (got 0)"),
        (
            ["--pot-anchors", "9"],
            "train: 'pot-anchors' must be left out without a regularizer (got 9)",
        ),
        (["--pot-mode", "x"], "train: 'pot-mode' must be left out without a regularizer (got 'x')"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    arguments, sentence, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--quiet", "--dataset", "sbm", *arguments]) == 2
    err = capsys.readouterr().err.splitlines()[-1]
    assert err.startswith("gclkit: ") and sentence in err
    assert not list(tmp_path.rglob("report.json"))
    assert not list(tmp_path.glob("runs/*")), "no run is left behind"


def test_a_refused_command_deletes_no_run(small, tmp_path, capsys):
    out = ["--seeds", "0", "--out", str(tmp_path / "run")]
    assert main(["train", *small, *out]) == 0
    before = (tmp_path / "run" / "report.json").read_bytes()
    for wrong in (["--dataset", "typo.npz"], ["--temperature", "0"], ["--memory-budget", "1"]):
        assert main(["train", *small, *out, "--force", *wrong]) == 2
        assert (tmp_path / "run" / "report.json").read_bytes() == before
    assert main(["train", *small, *out, "--force", "--lr", "1e30", "--epochs", "9"]) == 1
    assert (tmp_path / "run" / "report.json").read_bytes() == before
    other = ["--seeds", "4", "--out", str(tmp_path / "run")]
    assert main(["train", *small, *other, "--force"]) == 0
    assert not (tmp_path / "run" / "seed-0").exists()


def test_settings_beside_a_run_that_has_its_own_are_refused(run, capsys):
    assert main(["train", "--resume", str(run), "--epochs", "9", "--method", "csgcl"]) == 2
    sentence = (
        "train: 'resume' must be without settings, which the run keeps (got 'method, epochs')"
    )
    assert sentence in capsys.readouterr().err
    assert main(["train", "--resume", str(run), "--quiet"]) == 0


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ("gaps", "train: 'y' must be numbered without gaps"),
        ("one", "train: 'y' must be labels of two classes or more"),
    ],
)
def test_unfit_labels_are_refused_before_training(small, labels, sentence, tmp_path, capsys):
    y = np.arange(90) % 3 * 2 if labels == "gaps" else np.zeros(90, dtype=int)
    np.save(tmp_path / "y.npy", y)
    arguments = [*small, "--labels", str(tmp_path / "y.npy"), "--out", str(tmp_path / "run")]
    assert main(["train", *arguments]) == 2
    assert sentence in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_tasks_without_labels_ask_nothing_of_them(small, tmp_path):
    np.save(tmp_path / "y.npy", np.zeros(90, dtype=int))
    arguments = [*small, "--labels", str(tmp_path / "y.npy"), "--seeds", "0"]
    more = ["--tasks", "link_prediction", "--evaluate-every", "2", "--out", str(tmp_path / "run")]
    assert main(["train", *arguments, *more]) == 0
    rows = (tmp_path / "run" / "seed-0" / "history.jsonl").read_text().splitlines()
    assert "uniformity" in json.loads(rows[1]) and "val_accuracy" not in json.loads(rows[1])


def test_a_training_that_diverges_is_no_bad_input(small, tmp_path, capsys):
    arguments = [*small, "--seeds", "0", "--lr", "1e30", "--epochs", "20"]
    assert main(["train", *arguments, "--out", str(tmp_path / "run")]) == 1
    assert "is not finite in epoch" in capsys.readouterr().err


def test_an_interrupt_before_anything_is_written_names_no_run_to_resume(
    small, tmp_path, capsys, monkeypatch
):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("gclkit.cli.experiment.load_graph", interrupt)
    assert main(["train", *small, "--out", str(tmp_path / "run")]) == 130
    assert capsys.readouterr().out == "gclkit: interrupted\n"
    assert not (tmp_path / "run").exists()


def test_what_may_stand_beside_resume(run, capsys):
    assert main(["train", "--resume", str(run), "--dry-run", "--threads", "1", "--quiet"]) == 0
    assert "total" in capsys.readouterr().out


def resolve(*arguments):
    return _config(build_parser().parse_args(["train", *arguments])).run


def test_numbers_are_set_as_they_are_written():
    arguments = ["train", "--method", "GCA", "--set", "threshold=1e-1", "edge_p=[1e-1, .3]"]
    config = _config(build_parser().parse_args([*arguments, "activation=relu", "num_layers=3"]))
    assert config.model["threshold"] == 0.1 and config.model["edge_p"] == [0.1, 0.3]
    assert config.model["activation"] == "relu" and config.model["num_layers"] == 3


def test_defaults_then_recipe_then_command_line(monkeypatch):
    assert resolve() == RunSettings()
    run = {
        "seeds": [7], "tasks": ["clustering"], "controls": [], "splits": "20-shot",
        "num_splits": 3, "every": 40, "evaluate_every": 30, "tensorboard": True, "device": "cpu",
    }  # fmt: skip
    recipe = {**_read_recipe("digits", "csgcl"), "run": run}
    monkeypatch.setattr("gclkit.training.config._read_recipe", lambda *_: recipe)
    assert resolve() == RunSettings(**run)
    arguments = ["--seeds", "1", "2", "--tasks", "all", "--controls", "raw_features", "--splits"]
    arguments += ["random", "--num-splits", "2", "--checkpoint-every", "9", "--root", "somewhere"]
    given = {
        "seeds": [1, 2], "tasks": list(TASKS), "controls": ["raw_features"], "splits": "random",
        "num_splits": 2, "every": 9, "root": "somewhere",
    }  # fmt: skip
    assert resolve(*arguments) == RunSettings(**{**run, **given})


def test_the_command_line_overrides_the_regularizer_of_a_recipe():
    recipe = resolve("--dataset", "cora", "--method", "grace-pot")
    given = resolve("--dataset", "cora", "--method", "grace-pot", "--kappa", "0.125")
    assert recipe.regularizer == given.regularizer == "pot"
    assert recipe.kappa == 0.4 and given.kappa == 0.125


def test_dry_run_of_a_graph_without_labels(small, tmp_path, capsys):
    with np.load(small[1]) as arrays:
        np.savez(tmp_path / "bare.npz", edge_index=arrays["edge_index"], x=arrays["x"])
    assert main(["train", "--dataset", str(tmp_path / "bare.npz"), *small[2:], "--dry-run"]) == 0
    assert "no labels" in capsys.readouterr().out

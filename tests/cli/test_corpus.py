"""Every command on files of the graphs of the corpus: success, or one line and status 2."""

import warnings

import numpy as np
import pytest
import torch

from gclkit.cli.main import COMMANDS, main
from gclkit.graphs import load
from gclkit.testing.graphs import CONVERTIBLE, MALFORMED, MISLABELED, SOUND, random_graph

CORPUS = {**SOUND, **CONVERTIBLE, **MALFORMED, **MISLABELED}
SOME = ("random", "weighted", "one class", "half features", "NaN", "no edges", "float indices")


def save(path, data):
    """Writes what an array file can hold of a graph."""
    arrays = {}
    for name in ("x", "edge_index", "y", "edge_weight", "num_nodes"):
        value = data.get(name)
        if isinstance(value, torch.Tensor):
            value = value.to_dense() if value.layout != torch.strided else value
            value = value.float() if value.dtype == torch.bfloat16 else value
            arrays[name] = value.numpy()
        elif isinstance(value, int):
            arrays[name] = np.array(value)
    np.savez(path, **arrays)
    return str(path)


def run(capsys, *words):
    """Runs a command; asserts how it ends and returns the exit status."""
    capsys.readouterr()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        status = main([str(word) for word in words])
    error = capsys.readouterr().err
    if status:
        lines = [line for line in error.splitlines() if line.startswith("gclkit: ")]
        assert status == 2 and len(lines) == 1 and "Traceback" not in error, error
    return status


def is_loadable(data):
    try:
        load(data, log=None)
    except ValueError:
        return False
    return True


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A finished run of one epoch on a small graph."""
    folder = tmp_path_factory.mktemp("trained")
    graph = save(folder / "graph.npz", random_graph(60, 6, seed=3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        status = main(train_words(graph, folder / "run"))
    assert status == 0
    return folder


def train_words(graph, out):
    words = ["train", "--method", "grace", "--dataset", graph, "--seeds", "0", "--epochs", "2"]
    words += ["--num-splits", "1", "--set", "out_channels=4", "projection_channels=4"]
    return [*map(str, words), "--quiet", "--out", str(out)]


@pytest.mark.parametrize("name", CORPUS)
def test_communities_and_evaluate(name, tmp_path, capsys):
    data = CORPUS[name](1)
    graph = save(tmp_path / "graph.npz", data)
    run(capsys, "communities", graph)
    np.save(tmp_path / "z.npy", np.ones((20, 3)) * np.arange(20)[:, None])
    words = ("--tasks", "classification", "--num-splits", "1", "--out", tmp_path / "out")
    status = run(capsys, "evaluate", tmp_path / "z.npy", "--dataset", graph, *words)
    assert status == 0 or not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", CORPUS)
def test_embed(name, tmp_path, capsys, trained):
    data = CORPUS[name](1)
    graph = save(tmp_path / "graph.npz", data)
    out = tmp_path / "z.npy"
    status = run(capsys, "embed", trained / "run", "--dataset", graph, "--out", out)
    assert out.exists() == (status == 0)
    if status == 0:
        assert is_loadable(data) and np.load(out).shape == (data.x.size(0), 4)
        assert np.isfinite(np.load(out)).all()
    assert [path.name for path in tmp_path.iterdir() if path != out] == ["graph.npz"]


def train(name, tmp_path, capsys):
    data = CORPUS[name](1)
    graph = save(tmp_path / "graph.npz", data)
    status = run(capsys, *train_words(graph, tmp_path / "run"))
    assert (tmp_path / "run/report.json").exists() == (status == 0)
    if name in MALFORMED:
        assert status == 2


@pytest.mark.parametrize("name", SOME)
def test_train(name, tmp_path, capsys):
    train(name, tmp_path, capsys)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(CORPUS) - set(SOME)))
def test_train_on_the_rest(name, tmp_path, capsys):
    train(name, tmp_path, capsys)


def test_commands_that_read_a_run(tmp_path, capsys, trained):
    out = tmp_path / "scores"
    words = ("--dataset", trained / "graph.npz", "--tasks", "classification", "--out", out)
    assert run(capsys, "evaluate", trained / "run/seed-0/embeddings.npy", *words) == 0
    assert (out / "report.json").is_file()
    assert run(capsys, "report", trained / "run", "--out", tmp_path / "page") == 0
    assert run(capsys, "certify", trained / "run", "--nodes", "5", "--views", "3") == 0


@pytest.mark.parametrize("content", [None, "", "{}", "[" * 5000, '{"schema": 9, "results": {}}'])
def test_folders_that_are_no_runs(content, tmp_path, capsys):
    folder = tmp_path / "run"
    if content is not None:
        folder.mkdir()
        for name in ("report.json", "config.yaml"):
            (folder / name).write_text(content)
    out = ("--out", tmp_path / "out")
    assert run(capsys, "report", folder, *out) == 2
    assert run(capsys, "certify", folder) == 2
    assert run(capsys, "embed", folder, *out) == 2
    assert run(capsys, "train", "--resume", folder) == 2
    assert not (tmp_path / "out").exists()


def test_all_verbs_that_take_a_graph_or_a_run_are_here():
    here = {"communities", "evaluate", "embed", "train", "certify", "report"}
    assert set(COMMANDS) - here <= {"datasets", "env", "reproduce"}

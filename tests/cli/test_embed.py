import numpy as np
import pytest

from gclkit.cli.main import main
from gclkit.cli.run_graph import load_graph
from gclkit.cli.train_seed import train_seed
from gclkit.graphs import load
from gclkit.graphs.datasets import Dataset
from gclkit.reports import write_yaml
from gclkit.training import RunConfig


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("embed")
    rng = np.random.default_rng(0)
    pairs = np.argwhere(np.triu(rng.random((40, 40)) < 0.2, 1))
    np.savez(folder / "own.npz", edge_index=pairs.T, x=rng.random((40, 6)), y=np.arange(40) % 2)
    np.savez(folder / "other.npz", edge_index=pairs.T[:, ::2], x=rng.random((41, 6)))
    np.savez(folder / "wide.npz", edge_index=pairs.T, x=rng.random((40, 7)))
    arguments = ["--dataset", str(folder / "own.npz"), "--epochs", "2", "--seeds", "5", "--quiet"]
    arguments += ["--num-splits", "1", "--set", "out_channels=4", "--out", str(folder / "run")]
    assert main(["train", *arguments]) == 0
    return folder / "run"


def test_gives_the_embeddings_of_the_run(run, tmp_path, capsys):
    out = tmp_path / "z.npy"
    assert main(["embed", str(run), "--out", str(out)]) == 0
    assert np.array_equal(np.load(out), np.load(run / "seed-5" / "embeddings.npy"))
    assert "40 × 4 embeddings of epoch 2" in capsys.readouterr().out
    before = out.read_bytes()
    assert main(["embed", str(run), "--out", str(out)]) == 2
    assert "exists; pass --force to overwrite it" in capsys.readouterr().err
    assert out.read_bytes() == before


def test_embeds_another_graph(run, tmp_path):
    out = tmp_path / "z.npy"
    other = str(run.parent / "other.npz")
    assert main(["embed", str(run), "--dataset", other, "--out", str(out)]) == 0
    assert np.load(out).shape == (41, 4)


def test_features_of_another_graph_are_normalized_as_those_of_the_run(
    tmp_path, monkeypatch, capsys
):
    graph = load("digits", log=None)
    np.savez(tmp_path / "plain.npz", edge_index=graph.edge_index, x=graph.x)
    monkeypatch.setattr(Dataset, "normalize", True)
    run, out = tmp_path / "run", tmp_path / "z.npy"
    config = RunConfig("dgi", "digits", model={"out_channels": 4}, training={"epochs": 1})
    data = load_graph(config, log=None)
    z, _ = train_seed(config, run / "seed-0", data, 0, log=print, progress=False)
    write_yaml(run / "config.yaml", config.to_dict())
    capsys.readouterr()
    plain = ["--dataset", str(tmp_path / "plain.npz"), "--out", str(out)]
    assert main(["embed", str(run), *plain]) == 0
    assert "features row-normalised" in capsys.readouterr().out
    assert np.array_equal(np.load(out), z.numpy())


def test_topics_are_of_the_graph_of_the_run(run, tmp_path, capsys):
    own, topics = str(run.parent / "own.npz"), str(tmp_path / "topics")
    arguments = ["--dataset", own, "--epochs", "2", "--seeds", "5", "--quiet", "--num-splits", "1"]
    settings = ["--set", "out_channels=4", "topic_neighbors=3"]
    assert main(["train", *arguments, *settings, "--out", topics]) == 0
    out = tmp_path / "z.npy"
    assert main(["embed", topics, "--out", str(out)]) == 0
    assert np.array_equal(np.load(out), np.load(tmp_path / "topics/seed-5/embeddings.npy"))
    assert np.load(out).shape == (40, 4 + 5)
    again = ["embed", topics, "--dataset", own, "--out", str(tmp_path / "other.npy")]
    assert main(again) == 2
    assert "embed: 'dataset' must be left out: topics are" in capsys.readouterr().err
    assert not (tmp_path / "other.npy").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--seed", "9"], "embed: 'seed' must be one of ['5'] (got '9')"),
        (["--dataset", "wide"], "embed: 'dataset' must be a graph with 6 features (got 7)"),
        (["--out", "z.csv"], "embed: 'out' must be a .npy file (got 'z.csv')"),
    ],
)
def test_refusals(run, tmp_path, monkeypatch, capsys, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    if "wide" in arguments:
        arguments = ["--dataset", str(run.parent / "wide.npz")]
    assert main(["embed", str(run), "--out", "z.npy", *arguments]) == 2
    assert sentence in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_other_features_of_the_same_graph(run, tmp_path, capsys):
    np.save(tmp_path / "x.npy", np.random.default_rng(1).random((40, 6)))
    arguments = ["embed", str(run), "--out", str(tmp_path / "z.npy"), "--features"]
    assert main([*arguments, str(tmp_path / "missing.npy")]) == 2
    assert main([*arguments, str(tmp_path / "x.npy")]) == 0
    own = np.load(run / "seed-5" / "embeddings.npy")
    assert np.load(tmp_path / "z.npy").shape == own.shape
    assert not np.allclose(np.load(tmp_path / "z.npy"), own)

import re

import numpy as np
import pytest
import torch

from gclkit.cli.train_seed import train_seed
from gclkit.graphs import dataset_hash, load
from gclkit.training import RunConfig
from gclkit.training.run_settings import RunSettings


@pytest.fixture(scope="module")
def graph():
    return load("sbm", num_nodes=150, log=None)


def config(**run):
    model = {"out_channels": 4, "projection_channels": 4, "edge_p": [0.3, 0.5]}
    return RunConfig("grace", "sbm", model=model, run=RunSettings(splits="random", **run))


def test_a_seed_that_is_there_is_taken_over(graph, tmp_path):
    chosen = config(every=2)
    chosen.training["epochs"] = 3
    options = {"log": str, "progress": False}
    z, history = train_seed(chosen, tmp_path, graph, 5, **options)
    for damaged in ("embeddings.npy", "history.jsonl"):
        (tmp_path / damaged).write_bytes((tmp_path / damaged).read_bytes()[:90])
    again, rows = train_seed(chosen, tmp_path, graph, 5, **options)
    assert torch.equal(again, z) and rows == history
    assert np.array_equal(np.load(tmp_path / "embeddings.npy"), z.numpy())
    assert len((tmp_path / "history.jsonl").read_text().splitlines()) == 3
    assert len(history) == 3 and not list(tmp_path.glob(".*"))


def test_a_finished_seed_of_other_settings_is_not_taken_for_one_of_these(graph, tmp_path):
    chosen = config(every=2)
    chosen.training["epochs"] = 3
    options = {"log": str, "progress": False}
    train_seed(chosen, tmp_path, graph, 5, **options)
    other = config(every=2)
    other.training["epochs"] = 3
    other.model["temperature"] = 0.05
    with pytest.raises(ValueError, match=r"^pretrain: 'method.temperature' must be that of a run"):
        train_seed(other, tmp_path, graph, 5, **options)
    chosen.training["epochs"] = 5
    assert len(train_seed(chosen, tmp_path, graph, 5, **options)[1]) == 5


def test_a_seed_of_another_graph_is_not_taken_for_one_of_this(graph, tmp_path):
    chosen = config(every=2)
    chosen.training["epochs"] = 3
    options = {"log": str, "progress": False}
    z, _ = train_seed(chosen, tmp_path, graph, 5, **options)
    other = graph.clone()
    other.x = graph.x.roll(1, dims=0)
    hashes = dataset_hash(graph), dataset_hash(other)
    sentence = "pretrain: 'data' must be that of a run with data={!r} (got {!r})".format(*hashes)
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        train_seed(chosen, tmp_path, other, 5, **options)
    # Without its checkpoint nobody knows of which graph a seed is.
    for path in tmp_path.glob("checkpoint*"):
        path.unlink()
    again, _ = train_seed(chosen, tmp_path, other, 5, **options)
    assert not torch.equal(again, z)

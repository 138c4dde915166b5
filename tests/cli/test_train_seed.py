import re
import threading
from dataclasses import replace

import pytest
import torch

from gclkit.cli.train_seed import train_seed
from gclkit.graphs import dataset_hash

OPTIONS = {"log": str, "progress": False}


@pytest.fixture
def chosen(config):
    return replace(config(every=2), training={"epochs": 3})


def test_a_seed_that_is_there_is_taken_over(chosen, graph, tmp_path):
    z, history = train_seed(chosen, tmp_path, graph, 5, **OPTIONS)
    again, rows = train_seed(chosen, tmp_path, graph, 5, **OPTIONS)
    assert torch.equal(again, z) and rows == history
    assert len(history) == 3 and not list(tmp_path.glob(".*"))


def test_a_finished_seed_of_other_settings_is_not_taken_for_one_of_these(chosen, graph, tmp_path):
    train_seed(chosen, tmp_path, graph, 5, **OPTIONS)
    other = replace(chosen, model={**chosen.model, "temperature": 0.05})
    with pytest.raises(ValueError, match=r"^pretrain: 'method.temperature' must be that of a run"):
        train_seed(other, tmp_path, graph, 5, **OPTIONS)
    chosen.training["epochs"] = 5
    assert len(train_seed(chosen, tmp_path, graph, 5, **OPTIONS)[1]) == 5


@pytest.mark.parametrize("name", ["embeddings.npy", "history.jsonl"])
@pytest.mark.parametrize("left", [0, 90])
def test_what_is_damaged_is_made_again_from_the_checkpoint(chosen, graph, tmp_path, name, left):
    z, history = train_seed(chosen, tmp_path, graph, 5, **OPTIONS)
    path = tmp_path / name
    whole = path.read_bytes()
    checkpoint = (tmp_path / "checkpoint.pt").read_bytes()
    path.write_bytes(whole[:left])
    again, rows = train_seed(chosen, tmp_path, graph, 5, **OPTIONS)
    assert torch.equal(again, z) and rows == history and path.read_bytes() == whole
    assert (tmp_path / "checkpoint.pt").read_bytes() == checkpoint


def test_a_seed_of_another_graph_is_not_taken_for_one_of_this(chosen, graph, tmp_path):
    z, _ = train_seed(chosen, tmp_path, graph, 5, **OPTIONS)
    other = graph.clone()
    other.x = graph.x.roll(1, dims=0)
    hashes = dataset_hash(graph), dataset_hash(other)
    sentence = "pretrain: 'data' must be that of a run with data={!r} (got {!r})".format(*hashes)
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        train_seed(chosen, tmp_path, other, 5, **OPTIONS)
    # Without its checkpoint nobody knows of which graph a seed is.
    for path in tmp_path.glob("checkpoint*"):
        path.unlink()
    again, _ = train_seed(chosen, tmp_path, other, 5, **OPTIONS)
    assert not torch.equal(again, z)


def test_calls_back_what_the_run_asks_for(config, graph, tmp_path):
    asked = config(every=5, evaluate_every=2, tensorboard=True, tasks=["classification"])
    asked = replace(asked, training={"epochs": 4})
    threads = threading.active_count()
    _, history = train_seed(asked, tmp_path, graph, 5, **OPTIONS)
    assert ["val_accuracy" in row for row in history] == [False, True, False, True]
    assert len(list((tmp_path / "tensorboard").iterdir())) == 1
    assert threading.active_count() == threads, "the logger is closed"

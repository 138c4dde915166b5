import re

import pytest
import torch

from gclkit.cli.train_seed import train_seed
from gclkit.graphs import dataset_hash


def test_a_seed_that_is_there_is_taken_over(config, graph, tmp_path):
    chosen = config(every=2)
    chosen.training["epochs"] = 3
    options = {"log": str, "progress": False}
    z, history = train_seed(chosen, tmp_path, graph, 5, **options)
    again, rows = train_seed(chosen, tmp_path, graph, 5, **options)
    assert torch.equal(again, z) and rows == history
    assert len(history) == 3 and not list(tmp_path.glob(".*"))


def test_a_finished_seed_of_other_settings_is_not_taken_for_one_of_these(config, graph, tmp_path):
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


@pytest.mark.parametrize("name", ["embeddings.npy", "history.jsonl"])
@pytest.mark.parametrize("left", [0, 90])
def test_what_is_damaged_is_made_again_from_the_checkpoint(config, graph, tmp_path, name, left):
    chosen = config(every=2)
    chosen.training["epochs"] = 3
    options = {"log": str, "progress": False}
    z, history = train_seed(chosen, tmp_path, graph, 5, **options)
    path = tmp_path / name
    whole = path.read_bytes()
    checkpoint = (tmp_path / "checkpoint.pt").read_bytes()
    path.write_bytes(whole[:left])
    again, rows = train_seed(chosen, tmp_path, graph, 5, **options)
    assert torch.equal(again, z) and rows == history and path.read_bytes() == whole
    assert (tmp_path / "checkpoint.pt").read_bytes() == checkpoint


def test_a_seed_of_another_graph_is_not_taken_for_one_of_this(config, graph, tmp_path):
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

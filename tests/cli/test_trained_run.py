import numpy as np
import pytest
import torch
import yaml

from gclkit.cli.main import main
from gclkit.cli.trained_run import read_run, trained_method
from gclkit.graphs import load
from gclkit.reports import write_report, write_yaml
from gclkit.testing.graphs import random_graph
from gclkit.training import RunConfig, build_method, pretrain
from gclkit.training.run_settings import RunSettings


@pytest.fixture
def run(tmp_path):
    """A complete run of seed 5, three epochs with a checkpoint each, and its graph."""
    graph = random_graph(60, 6, seed=3)
    path = tmp_path / "own.npz"
    np.savez(path, x=graph.x.numpy(), edge_index=graph.edge_index.numpy())
    model = {"out_channels": 4, "projection_channels": 3}
    config = RunConfig("grace", str(path), model, {"epochs": 3}, run=RunSettings(seeds=[5]))
    folder = tmp_path / "run"
    folder.mkdir()
    write_yaml(folder / "config.yaml", config.to_dict())
    data = load(path, log=None)
    checkpoint = folder / "seed-5" / "checkpoint.pt"
    method = build_method(config, 6)
    pretrain(method, data, epochs=3, seed=5, checkpoint=checkpoint, every=1)
    write_report(folder, {"method": "grace", "status": "complete", "results": {}})
    return folder, data


def test_the_method_is_as_trained(run):
    folder, data = run
    config = read_run("embed", folder)
    method, epoch = trained_method("embed", folder, config, 5, data)
    assert epoch == 3 and not method.training
    fresh = build_method(config, 6)
    again = pretrain(fresh, data, seed=5, epochs=3).embeddings
    assert torch.equal(method.embed(data), again)


def test_of_a_complete_run_no_earlier_epoch_is_taken(run):
    folder, data = run
    config = read_run("embed", folder)
    checkpoint = folder / "seed-5" / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:500])
    with pytest.raises(ValueError) as error:
        trained_method("certify", folder, config, 5, data)
    assert str(error.value) == (
        "certify: 'checkpoint' must be of epoch 3, the last of this run; 'gclkit train --resume' "
        "trains the rest (got 'epoch 2')"
    )
    (folder / "report.json").unlink()  # Of an interrupted run the last that there is will do.
    assert trained_method("embed", folder, config, 5, data)[1] == 2


def test_another_configuration_or_graph_is_refused(run):
    folder, data = run
    config = read_run("embed", folder)
    config.model["out_channels"] = 2
    sentence = r"^embed: 'config' must be that of the checkpoint of seed 5 \(got '.*config\.yaml'\)"
    with pytest.raises(ValueError, match=sentence):
        trained_method("embed", folder, config, 5, data)
    data.x = data.x[:, :4]
    sentence = r"^certify: 'dataset' must be a graph with 6 features \(got 4\)$"
    with pytest.raises(ValueError, match=sentence):
        trained_method("certify", folder, config, 5, data)


@pytest.mark.parametrize("verb", ["certify", "embed"])
def test_a_folder_without_a_run_of_train_is_refused(verb, tmp_path, capsys):
    arguments = [verb, str(tmp_path), *(["--out", str(tmp_path / "z.npy")] * (verb == "embed"))]
    assert main(arguments) == 2
    sentence = f"{verb}: 'run' must be a run folder of 'gclkit train' (got '{tmp_path}')"
    assert sentence in capsys.readouterr().err
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"embeddings": ["z.npy"]}))  # evaluate's.
    assert main(arguments) == 2
    sentence = "'path' must be the configuration of a run of 'gclkit train' (got '"
    assert sentence in capsys.readouterr().err

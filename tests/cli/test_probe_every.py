import pytest
import torch

from gclkit.cli.probe_every import probe_every
from gclkit.graphs import load
from gclkit.training import RunConfig, build_method, pretrain
from gclkit.training.run_settings import RunSettings


@pytest.fixture(scope="module")
def graph():
    return load("sbm", num_nodes=150, log=None)


def test_probing_leaves_the_training_as_it_was(graph):
    model = {"out_channels": 4, "projection_channels": 4, "edge_p": [0.3, 0.5]}
    chosen = RunConfig("grace", "sbm", model=model, run=RunSettings(splits="random"))
    runs = []
    for callbacks in ([], [probe_every(2, chosen, graph)]):
        method = build_method(chosen, graph.num_features)
        runs.append(pretrain(method, graph, epochs=4, callbacks=callbacks))
    assert torch.equal(runs[0].embeddings, runs[1].embeddings)
    rows = runs[1].history
    assert [("val_accuracy" in row) for row in rows] == [False, True, False, True]
    assert 0 <= rows[1]["val_accuracy"] <= 1 and {"alignment", "uniformity"} <= set(rows[3])

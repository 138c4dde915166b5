import re

import pytest
import torch

from gclkit.cli.experiment import build_regularizer, environment, peak_rss_mb, probe_every
from gclkit.graphs import load
from gclkit.methods import GRACE
from gclkit.training import RunConfig, build_method, pretrain


@pytest.fixture(scope="module")
def graph():
    return load("sbm", num_nodes=150, log=None)


def config(**run):
    model = {"out_channels": 4, "projection_channels": 4, "edge_p": [0.3, 0.5]}
    return RunConfig("grace", "sbm", model=model, run={"splits": "random", **run})


def test_the_regularizer_takes_the_rates_of_the_method(graph):
    chosen = config(regularizer="pot", kappa=0.25, pot_mode="certified")
    method = build_method(chosen, graph.num_features)
    pot = build_regularizer(chosen, method, graph)
    assert (pot.p, pot.kappa, pot.mode) == ((0.3, 0.5), 0.25, "certified")
    assert build_regularizer(config(), method, graph) is None


def test_no_regularizer_without_two_views_of_known_rates(graph):
    chosen = RunConfig("grace", "sbm", run={"regularizer": "pot"})
    sentence = (
        "train: 'regularizer' must be left out: the method has no two views of the graph with "
        "drop rates 'edge_p' (got 'pot')"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        build_regularizer(chosen, GRACE(5), graph)


def test_probing_leaves_the_training_as_it_was(graph):
    chosen = config()
    runs = []
    for callbacks in ([], [probe_every(2, chosen, graph)]):
        method = build_method(chosen, graph.num_features)
        runs.append(pretrain(method, graph, epochs=4, callbacks=callbacks))
    assert torch.equal(runs[0].embeddings, runs[1].embeddings)
    rows = runs[1].history
    assert [("val_accuracy" in row) for row in rows] == [False, True, False, True]
    assert 0 <= rows[1]["val_accuracy"] <= 1 and {"alignment", "uniformity"} <= set(rows[3])


def test_names_the_machine():
    found = environment(config(device="cpu"))
    assert found["torch"] == torch.__version__ and found["threads"] == torch.get_num_threads()
    assert peak_rss_mb() > 50


def test_says_what_repeats():
    assert environment(config())["determinism"].startswith("bit-identical for one machine, seed")
    assert environment(config(device="cuda:1"))["determinism"].startswith("not guaranteed bit for")

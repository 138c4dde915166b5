import re
from dataclasses import replace

import pytest
import torch

from gclkit.cli.train_seed import build_regularizer, check_run, train_seed
from gclkit.graphs import dataset_hash, load
from gclkit.methods import GRACE
from gclkit.training import RunConfig, build_method
from gclkit.training.run_settings import RunSettings


@pytest.fixture(scope="module")
def graph():
    return load("sbm", num_nodes=150, log=None)


def config(**run):
    model = {"out_channels": 4, "projection_channels": 4, "edge_p": [0.3, 0.5]}
    return RunConfig("grace", "sbm", model=model, run=RunSettings(splits="random", **run))


def test_the_regularizer_takes_the_rates_of_the_method(graph):
    chosen = config(regularizer="pot", kappa=0.25, pot_mode="certified")
    method = build_method(chosen, graph.num_features)
    pot = build_regularizer(chosen, method, graph)
    assert (pot.p, pot.kappa, pot.mode) == ((0.3, 0.5), 0.25, "certified")
    assert build_regularizer(config(), method, graph) is None


def test_no_regularizer_without_two_views_of_known_rates(graph):
    chosen = RunConfig("grace", "sbm", run=RunSettings(regularizer="pot"))
    sentence = (
        "train: 'regularizer' must be left out: the method has no two views of the graph with "
        "drop rates 'edge_p' (got 'pot')"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        build_regularizer(chosen, GRACE(5), graph)


def test_more_topic_neighbors_than_nodes_are_refused_before_anything_is_written(graph):
    chosen = config(tasks=["classification"])
    chosen.model["topic_neighbors"] = 149
    check_run(chosen, graph)
    chosen.model["topic_neighbors"] = 150
    with pytest.raises(ValueError, match=r"^grace: 'topic_neighbors' must be less than the 150 no"):
        check_run(chosen, graph)


def test_a_seed_that_is_there_is_read(graph, tmp_path):
    chosen = config(every=2)
    chosen.training["epochs"] = 3
    said = []
    options = {"log": said.append, "progress": False}
    z, history = train_seed(chosen, tmp_path, graph, 5, **options)
    again, rows = train_seed(chosen, tmp_path, graph, 5, **options)
    assert said == ["seed 5"] and torch.equal(again, z) and rows == history
    assert len(history) == 3 and not list(tmp_path.glob(".*"))


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


def test_no_bounds_on_a_graph_with_edge_weights(graph):
    weighted = graph.clone()
    weighted.edge_weight = torch.full((graph.num_edges,), 0.5)
    chosen = config(regularizer="pot", kappa=0.25, pot_mode="pairwise")
    method = build_method(chosen, graph.num_features)
    sentence = "train: 'regularizer' must be left out: bounds are of graphs without edge weights"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        build_regularizer(chosen, method, weighted)


def test_only_the_nodes_of_the_splits_need_a_label(graph):
    published = graph.clone()
    for part, name in enumerate(("train_mask", "val_mask", "test_mask")):
        published[name] = torch.arange(150) % 4 == part
    published.y[torch.arange(150) % 4 == 3] = -1
    public = config(tasks=["classification"])
    public = replace(public, run=replace(public.run, splits="public"))
    check_run(public, published)
    unknown = r"^train: 'y' must be classes numbered from 0 \(got -1\)$"
    with pytest.raises(ValueError, match=unknown):
        check_run(config(tasks=["classification"]), published)  # Random splits hold every node.
    with pytest.raises(ValueError, match=unknown):
        check_run(replace(public, run=replace(public.run, tasks=["clustering"])), published)


def test_training_nodes_of_one_class_are_refused(graph):
    rare = graph.clone()
    rare.y = torch.zeros(150, dtype=torch.int64)
    rare.y[7] = 1
    with pytest.raises(ValueError, match=r"^train: 'splits' must be one whose training nodes are"):
        check_run(config(tasks=["classification"], num_splits=10), rare)
    check_run(config(tasks=["clustering"]), rare)

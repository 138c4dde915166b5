import importlib
import json

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch_geometric.data import Data

from gclkit.evaluators import AdamProbe, KNNProbe, LinearProbe, evaluate, split_edges
from gclkit.graphs import Split
from gclkit.testing.graphs import random_graph


@pytest.fixture(scope="module")
def graph():
    return random_graph(120, 8, num_classes=3, mean_degree=5.0, seed=3)


def test_is_a_plain_dict_shaped_like_a_report(graph):
    split = split_edges(graph)
    found = evaluate(
        {0: graph.x, 7: graph.x[:, :5]},
        graph,
        tasks=("classification", "clustering", "link_prediction"),
        num_splits=3,
        shots=(1, 5),
        clustering_runs=2,
        restarts=2,
        edge_split=split,
    )
    assert json.loads(json.dumps(found)) == found
    accuracy = found["classification"]["accuracy"]
    assert accuracy["n"] == 6
    assert [(row["seed"], row["split"]) for row in accuracy["values"]] == [
        (0, 0), (0, 1), (0, 2), (7, 0), (7, 1), (7, 2),
    ]  # fmt: skip
    assert found["classification"]["split"] == "random-10-10-80"
    assert len(found["classification"]["split_hash"]) == 16
    confusion = np.array(found["classification"]["confusion"])
    assert confusion.sum() == 6 * 96
    correct = np.trace(confusion) / confusion.sum()
    assert accuracy["mean"] == pytest.approx(correct)
    assert [row["support"] for row in found["classification"]["per_class"]] == (
        confusion.sum(axis=1).tolist()
    )
    shots = found["classification"]["few_labels"]
    assert list(shots) == ["1", "5"] and shots["5"]["n"] == 6
    clustering = found["clustering"]
    assert {"nmi", "ari", "accuracy", "macro_f1", "modularity", "conductance"} <= set(clustering)
    assert clustering["nmi"]["n"] == 4 and clustering["l2_normalized"]["nmi"]["n"] == 4
    links = found["link_prediction"]
    assert links["auc"]["n"] == 2 and links["split"] == "85-5-10"
    assert links["split_hash"] == {"0": split.hash, "7": split.hash}
    trust = "as stated by whoever gave the edge split, trained on the training edges only; "
    assert links["protocol"].startswith(trust)
    assert set(links["by_decoder"]) == {"dot", "cosine", "logistic", "mlp"}


def test_says_that_kmeans_ran_on_a_sample_first(graph, monkeypatch):
    options = {"tasks": "clustering", "clustering_runs": 2, "restarts": 2}
    assert "sample" not in evaluate(graph.x, graph, **options)["clustering"]["protocol"]
    module = importlib.import_module("gclkit.evaluators.kmeans")
    monkeypatch.setattr(module, "_SAMPLE", 50)
    monkeypatch.setattr(module, "_PER_CLUSTER", 1)
    found = evaluate(graph.x, graph, **options)["clustering"]
    protocol = "k-means++, best of 2 restarts, first on a sample of 50 nodes"
    assert found["protocol"] == f"k-means on raw embeddings, {protocol}, k-means seeds 0 to 1"
    assert found["l2_normalized"]["protocol"] == f"k-means on l2-normalized embeddings, {protocol}"


def test_takes_an_array_and_one_task_by_name(graph):
    found = evaluate(graph.x.numpy(), graph, tasks="classification", num_splits=2)
    same = evaluate({0: graph.x}, graph, num_splits=2)
    assert found == same and list(found) == ["classification"]


def test_splits_are_the_same_for_every_method(graph):
    one = evaluate(graph.x, graph, num_splits=4)["classification"]
    two = evaluate(graph.x[:, :3], graph, num_splits=4, probe=KNNProbe())["classification"]
    assert one["split_hash"] == two["split_hash"]
    other = evaluate(graph.x, graph, num_splits=4, split_seed=1)["classification"]
    assert other["split_hash"] != one["split_hash"]
    assert other["accuracy"]["values"][0]["value"] == one["accuracy"]["values"][1]["value"]


def test_splits_are_called_by_what_they_share(graph):
    published, nodes = graph.clone(), torch.arange(120)
    for part, name in enumerate(("train_mask", "val_mask", "test_mask")):
        published[name] = torch.stack([(nodes + shift) % 3 == part for shift in range(2)], dim=1)
    found = evaluate(graph.x, published, splits="public")["classification"]
    assert (found["split"], found["num_splits"]) == ("public", 2)
    mixed = [
        Split(nodes[:40], nodes[40:60], nodes[60:], name=name)
        for name in ("a", "b", "a", "public-1")
    ]
    assert evaluate(graph.x, graph, splits=mixed)["classification"]["split"] == "a, b, public-1"
    one = evaluate(graph.x, graph, splits=mixed[3])["classification"]["split"]
    assert one == "public-1"


def test_leaves_the_global_generator_and_the_graph(graph):
    before, keys = torch.random.get_rng_state(), sorted(graph.keys())
    evaluate(graph.x, graph, tasks=("classification", "clustering"), num_splits=1)
    assert torch.equal(before, torch.random.get_rng_state()) and keys == sorted(graph.keys())


def refusal(*arguments, **options):
    with pytest.raises(ValueError) as error:
        evaluate(*arguments, **options)
    return str(error.value)


def test_refusals(graph):
    assert refusal(graph.x, graph, tasks=("link_prediction",)) == (
        "evaluate: 'edge_split' must be the edge split that the embeddings were trained on "
        "(got 'NoneType')"
    )
    assert refusal(graph.x, graph, tasks="links") == (
        "evaluate: 'tasks' must be one of ['classification', 'clustering', 'link_prediction'] "
        "(got 'links')"
    )
    assert refusal(graph.x[:50], graph) == (
        "evaluate: 'z' must be of 120 rows, one per node (got (50, 8))"
    )
    assert refusal({}, graph) == (
        "evaluate: 'z' must be embeddings of one seed or more (got 'none')"
    )
    assert refusal({"a": graph.x}, graph) == (
        "evaluate: 'seed' must be an integer of at least 0 (got 'a')"
    )
    assert refusal({0.5: graph.x}, graph) == (
        "evaluate: 'seed' must be an integer of at least 0 (got 0.5)"
    )
    assert refusal(graph.x, graph, probe=LogisticRegression()) == (
        "evaluate: 'probe' must be a classifier such as LinearProbe() (got 'LogisticRegression')"
    )
    assert refusal(graph.x, graph, probe=KNNProbe) == (
        f"evaluate: 'probe' must be a classifier such as LinearProbe() (got {KNNProbe!r})"
    )
    assert refusal(graph.x, graph, shots=5) == (
        "evaluate: 'shots' must be a list of integers of at least 1 (got 5)"
    )
    assert refusal(graph.x, graph, shots=(5, "1")) == (
        "evaluate: 'shots' must be an integer of at least 1 (got '1')"
    )
    bare = graph.clone()
    del bare.y
    assert refusal(graph.x, bare) == (
        "evaluate: 'y' must be one label per node, of shape (120,) (got 'NoneType')"
    )
    assert refusal({0: graph.x}, graph, tasks="link_prediction", edge_split={1: None}) == (
        "evaluate: 'edge_split' must be the edge split that the embeddings were trained on "
        "(got 'NoneType')"
    )
    split = split_edges(random_graph(120, 8, num_classes=3, mean_degree=5.0, seed=4))
    assert refusal(graph.x, graph, tasks="link_prediction", edge_split={0: split}) == (
        "evaluate: 'data' must be the graph whose edges were split (got 'other edges')"
    )


def test_nodes_that_only_labels_tell_of_have_embeddings(graph):
    data = Data(edge_index=graph.edge_index[:, :1], y=graph.y)
    found = evaluate(graph.x, data, num_splits=1)["classification"]
    assert found["accuracy"] == evaluate(graph.x, graph, num_splits=1)["classification"]["accuracy"]


def test_unknown_classes_are_passed_over_where_no_split_holds_them(graph):
    data = graph.clone()
    data.y[100:] = -1
    nodes = torch.arange(100)
    split = Split(nodes[:40], nodes[40:60], nodes[60:])
    for probe in (LinearProbe(), KNNProbe(), AdamProbe(steps=20)):
        known = evaluate(graph.x, graph, splits=split, probe=probe)["classification"]
        assert evaluate(graph.x, data, splits=split, probe=probe)["classification"] == known
    holding = Split(nodes[:40], nodes[40:60], nodes[60:] + 1)
    assert refusal(graph.x, data, splits=holding) == (
        "LinearProbe: 'y' must be classes numbered from 0 (random splits, of make_splits or "
        "--splits, hold known ones alone) (got -1)"
    )
    for splits in ("random", "stratified", "3-shot"):
        assert evaluate(graph.x, data, splits=splits, num_splits=2)["classification"]["accuracy"]
    assert refusal(graph.x, data, tasks="clustering") == (
        "evaluate: 'y' must be classes numbered from 0 (the task 'classification' reads those of "
        "its splits alone) (got -1)"
    )

"""No method, as it is trained, sees what its scores are computed from."""

from dataclasses import replace

import pytest
import torch

from gclkit.evaluators import LinearProbe, split_edges
from gclkit.graphs import load, random_split
from gclkit.training import list_methods, pretrain

METHODS = sorted(list_methods())


@pytest.fixture(scope="module")
def graph():
    return load("sbm", num_nodes=120, num_communities=3, num_features=60, informative=9, log=None)


def train(name, data):
    options = {"out_channels": 6}
    if name == "progcl":
        options["start_epoch"] = 1  # Its mixture is fitted, so that it is tested too.
    if name == "csgcl":
        options["gamma_start"] = 1
    method = list_methods()[name](data.num_features, **options)
    return pretrain(method, data, epochs=4, lr=0.01, seed=3).embeddings


def with_other_held_out_edges(data, split):
    """The training edges, and pairs without an edge in place of all that is held out; its split."""
    val, test, none = split.val_negative, split.test_negative, split.val_hard[:, :0]
    held = {"val": val, "test": test, "val_negative": split.val, "test_negative": split.test}
    changed, pairs = data.clone(), torch.cat([split.train, val, test], dim=1)
    changed.edge_index = torch.cat([pairs, pairs.flip(0)], dim=1)
    return changed, replace(split, **held, val_hard=none, test_hard=none)


@pytest.mark.parametrize("name", METHODS)
def test_held_out_edges_leave_a_trained_method_bit_identical(name, graph):
    split = split_edges(graph, seed=2)
    changed, other = with_other_held_out_edges(graph, split)
    assert not torch.equal(changed.edge_index, graph.edge_index)
    first = train(name, split.training_graph(graph))
    assert torch.equal(first, train(name, other.training_graph(changed)))


@pytest.mark.parametrize("name", METHODS)
def test_a_planted_leak_is_seen(name, graph):
    split = split_edges(graph, seed=2)
    changed, _ = with_other_held_out_edges(graph, split)
    assert not torch.equal(train(name, graph), train(name, changed))


def test_features_made_of_all_edges_are_a_leak_that_is_seen(graph):
    split = split_edges(graph, seed=2)
    method = list_methods()["csgcl"](graph.num_features, out_channels=6, gamma_start=1)

    def leaking(data, split):
        seen = split.training_graph(data)
        degree = torch.bincount(data.edge_index[0], minlength=120)
        seen.x = seen.x * (1 + degree[:, None] / 50)
        return pretrain(method, seen, epochs=4, lr=0.01, seed=3).embeddings

    changed = with_other_held_out_edges(graph, split)
    assert not torch.equal(leaking(graph, split), leaking(*changed))


@pytest.mark.parametrize("name", METHODS)
def test_labels_leave_a_trained_method_bit_identical(name, graph):
    relabelled = graph.clone()
    relabelled.y = (graph.y + 1) % 3
    assert torch.equal(train(name, graph), train(name, relabelled))


def test_relabelled_test_nodes_change_no_selection(graph):
    z, split = train("grace", graph), random_split(120, seed=5)
    y = graph.y.clone()
    y[split.test] = (y[split.test] + 1) % 3
    first, second = LinearProbe()(z, graph.y, split), LinearProbe()(z, y, split)
    assert (first.strength, first.val_accuracy) == (second.strength, second.val_accuracy)
    assert torch.equal(first.predicted, second.predicted) and first.accuracy != second.accuracy

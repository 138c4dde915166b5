import pytest
import torch
from hypothesis import given, settings

from gclkit.evaluators.inputs import check_labels
from gclkit.graphs import check_graph, load
from gclkit.testing.graphs import (
    CONVERTIBLE,
    MALFORMED,
    MISLABELED,
    SOUND,
    any_graphs,
    huge_graph,
    planted_partition,
    random_graph,
    random_graphs,
    sound_graphs,
)


@pytest.mark.parametrize("name", SOUND)
def test_sound_graphs_are_accepted(name):
    check_graph("test", SOUND[name](3))


@pytest.mark.parametrize("name", CONVERTIBLE)
def test_convertible_graphs_are_refused_until_loaded(name):
    data = CONVERTIBLE[name](3)
    with pytest.raises(ValueError, match=r"^test: '"):
        check_graph("test", data)
    check_graph("test", load(data, log=None))
    check_graph("test", load(data, prepare=False, log=None))


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_graphs_are_refused(name):
    data = MALFORMED[name](3)
    for call in (lambda: check_graph("load", data), lambda: load(data, log=None)):
        with pytest.raises(ValueError, match=r"^load: '") as refusal:
            call()
        assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", MISLABELED)
def test_mislabeled_graphs_are_graphs_that_no_evaluator_scores(name):
    data = MISLABELED[name](3)
    check_graph("test", data)
    with pytest.raises(ValueError, match=r"^test: 'y' must be "):
        check_labels("test", data.y, 20)


@given(random_graphs())
@settings(max_examples=30, deadline=None)
def test_random_graphs_are_simple_and_undirected(data):
    check_graph("test", data, require_undirected=True)
    row, col = data.edge_index
    assert (row != col).all()
    assert (torch.diff(row * data.num_nodes + col) > 0).all()
    if "edge_weight" in data:
        weights = torch.zeros(data.num_nodes, data.num_nodes)
        weights[row, col] = data.edge_weight
        assert torch.equal(weights, weights.T)


@given(sound_graphs())
@settings(max_examples=20, deadline=None)
def test_the_strategy_of_sound_graphs(data):
    check_graph("test", data)


@given(any_graphs())
@settings(max_examples=40, deadline=None)
def test_the_strategy_of_all_graphs_gives_what_it_says(drawn):
    name, data = drawn
    if name in SOUND or name in MISLABELED:
        check_graph("test", data)
    else:
        with pytest.raises(ValueError, match=r"^test: '"):
            check_graph("test", data)


def test_a_seed_makes_a_graph():
    a, b, c = random_graph(seed=4), random_graph(seed=4), random_graph(seed=5)
    assert torch.equal(a.x, b.x) and torch.equal(a.edge_index, b.edge_index)
    assert not torch.equal(a.x, c.x)


def test_planted_communities_are_plain_to_see():
    data = planted_partition(seed=2)
    check_graph("test", data, require_undirected=True)
    row, col = data.edge_index
    assert (data.y[row] == data.y[col]).float().mean() > 0.8


def test_the_huge_graph_is_huge_and_sound():
    data = huge_graph()
    check_graph("test", data, require_undirected=True)
    assert data.num_nodes == 100_000

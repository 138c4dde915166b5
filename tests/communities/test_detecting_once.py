import pytest
import torch

from gclkit.communities import detect
from gclkit.communities.detecting_once import detecting_once
from gclkit.testing.graphs import random_graph


@pytest.fixture
def calls(monkeypatch):
    """The seeds with which Leiden has run."""
    table = detect.__globals__["ALGORITHMS"]
    seeds, leiden = [], table["leiden"]

    def counted(adjacency, seed, resolution):
        seeds.append(seed)
        return leiden(adjacency, seed, resolution)

    monkeypatch.setitem(table, "leiden", counted)
    return seeds


def test_the_same_graph_and_settings_are_asked_once(calls):
    graph = random_graph(60, 4, seed=1)
    alone = detect(graph, seed=5)
    calls.clear()
    with detecting_once():
        first, again = detect(graph, seed=5), detect(graph.clone(), seed=5)
        assert calls == [5]
        for part in (first, again):
            assert torch.equal(part.membership, alone.membership)
            assert part.modularity == alone.modularity
        first.membership.zero_()
        assert torch.equal(detect(graph, seed=5).membership, alone.membership)
    detect(graph, seed=5)
    assert calls == [5, 5], "nothing is remembered outside"


def test_another_graph_or_setting_is_not_the_same(calls):
    graph, other = random_graph(60, 4, seed=1), random_graph(60, 4, seed=2)
    weighted = random_graph(60, 4, seed=1, weighted=True)
    asked = [
        (graph, {}),
        (graph, {"seed": 6}),
        (graph, {"resolution": 2.0}),
        (other, {}),
        (weighted, {}),
        (graph, {"algorithm": "louvain"}),
    ]
    apart = [detect(data, **settings).membership for data, settings in asked]
    calls.clear()
    with detecting_once():
        for _ in range(2):
            for (data, settings), membership in zip(asked, apart, strict=True):
                assert torch.equal(detect(data, **settings).membership, membership)
    assert len(calls) == 5


def test_it_ends_with_an_error_too(calls):
    graph = random_graph(60, 4, seed=1)
    with pytest.raises(KeyError), detecting_once():
        detect(graph)
        raise KeyError
    detect(graph)
    assert calls == [0, 0]

import networkx as nx
import pytest

from gclkit.graphs import load
from gclkit.testing.five_nodes import X, assert_five_nodes, network


@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph])
def test_networkx(kind):
    assert_five_nodes(load(kind(network()), log=None))


def test_networkx_by_columns_and_weights():
    graph = network()
    for node, x in zip("abcde", X.tolist(), strict=True):
        graph.nodes[node].pop("x")
        graph.nodes[node].update(x0=x[0], x1=x[1])
    for u, v in graph.edges:
        graph.edges[u, v]["weight"] = 3
    assert_five_nodes(load(graph, log=None), weights=[3.0] * 6)


def test_networkx_unprepared_has_both_directions():
    data = load(network(), prepare=False, log=None)
    assert sorted(data.edge_index.T.tolist()) == [
        [0, 1], [1, 0], [1, 2], [2, 1], [2, 2], [2, 3], [3, 2],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "spoil, sentence",
    [
        (
            lambda graph: graph.nodes["b"].pop("x"),
            "load: 'x' must be on all of 5 nodes or edges, or on none (got 4)",
        ),
        (
            lambda graph: graph.nodes["b"].update(y=0.5),
            "load: 'y' must be of an integer dtype (got 'float64')",
        ),
        (
            lambda graph: graph.edges["a", "b"].update(weight=2.0),
            "load: 'weight' must be on all of 4 nodes or edges, or on none (got 1)",
        ),
    ],
)
def test_networkx_refusals(spoil, sentence):
    graph = network()
    spoil(graph)
    with pytest.raises(ValueError) as refusal:
        load(graph, log=None)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize("row", [[1.0], "one two", None, [[1.0, 2.0]], [1j, 2]])
def test_networkx_features_that_are_no_numbers(row):
    graph = network()
    graph.nodes["c"]["x"] = row
    with pytest.raises(ValueError, match=r"^load: 'x' must be made of numbers, equally many each"):
        load(graph, log=None)

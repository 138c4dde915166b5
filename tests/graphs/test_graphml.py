import networkx as nx
import pytest

from gclkit.graphs import load
from gclkit.testing.five_nodes import X, Y, assert_five_nodes, network


def graphml(tmp_path, graph):
    for node in graph:
        x = graph.nodes[node].get("x")
        if isinstance(x, list):
            graph.nodes[node]["x"] = " ".join(map(str, x))
    nx.write_graphml(graph, tmp_path / "graph.graphml")
    return tmp_path / "graph.graphml"


def test_graphml(tmp_path):
    assert_five_nodes(load(graphml(tmp_path, network()), log=None))


def test_graphml_with_a_file_of_features(tmp_path):
    bare = nx.Graph(network().edges)
    bare.add_nodes_from("abcde")
    path = graphml(tmp_path, bare)
    order = {"features": X, "labels": Y}
    assert load(path, log=None, **order).num_nodes == 5


def test_a_file_whose_tree_does_not_fit_is_refused(tmp_path, monkeypatch):
    path = graphml(tmp_path, network())
    size = path.stat().st_size
    monkeypatch.setattr("gclkit.graphs.memory_limit.memory_limit", lambda: 30 * size)
    assert_five_nodes(load(path, log=None))
    monkeypatch.setattr("gclkit.graphs.memory_limit.memory_limit", lambda: 30 * size - 1)
    with pytest.raises(ValueError, match=r"^load: 'source' must be a file that takes at most"):
        load(path, log=None)


LAUGHS = """<?xml version="1.0"?>
<!DOCTYPE graphml [<!ENTITY a "aaaaaaaaaa">{}]>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="undirected">
<node id="&j;"/></graph></graphml>
""".format(
    "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    )
)
OUTSIDE = """<?xml version="1.0"?>
<!DOCTYPE graphml [<!ENTITY a SYSTEM "file:///etc/hostname">]>
<graphml><graph edgedefault="undirected"><node id="&a;"/></graph></graphml>
"""


@pytest.mark.parametrize("text", [LAUGHS, OUTSIDE, LAUGHS.encode("utf-16")])
def test_graphml_that_declares_entities_is_refused_at_once(text, tmp_path):
    path = tmp_path / "graph.graphml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError) as refusal:
        load(path, log=None)
    rule = "a GraphML file without a document type declaration"
    got = repr(f"{path}: it declares a document type")
    assert str(refusal.value) == f"load: 'source' must be {rule} (got {got})"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<graphml>",
        "<html/>",
        "<graphml xmlns='http://graphml.graphdrawing.org/xmlns'/>",
        "<graphml xmlns='http://graphml.graphdrawing.org/xmlns'><graph><edge source='a'/></graph>"
        "</graphml>",
        "\x00",
        "<a>" * 100_000,
        "<a>" * 100_000 + "</a>" * 100_000,
    ],
)
def test_files_that_are_no_graphml(text, tmp_path):
    (tmp_path / "graph.graphml").write_text(text)
    with pytest.raises(ValueError, match=r"^load: '.*' must be ") as refusal:
        load(tmp_path / "graph.graphml", log=None)
    assert "\n" not in str(refusal.value)


def test_errors_of_the_reader_that_look_like_refusals(tmp_path, monkeypatch):
    nx.write_graphml(nx.path_graph(3), tmp_path / "a.graphml")

    def fail(*arguments, **options):
        raise ValueError("load: odd")

    monkeypatch.setattr(nx, "parse_graphml", fail)
    with pytest.raises(ValueError, match=r"^load: 'source' must be a GraphML file .*load: odd"):
        load(tmp_path / "a.graphml")

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
import torch

from gclkit.graphs import load

X = np.array([[1.0, 0.5], [0.0, 2.0], [3.0, 0.0], [0.25, 0.75], [9.0, 9.0]], dtype=np.float32)
Y = np.array([0, 2, 1, 0, 1])
EDGES = np.array([[0, 1], [1, 2], [3, 2], [0, 1], [2, 2]])
PREPARED = [[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]]


def check(data, *, weights=None):
    assert data.edge_index.tolist() == PREPARED
    assert data.x.tolist() == X.tolist() and data.y.tolist() == Y.tolist()
    assert data.num_nodes == 5  # The last node has no edge.
    if weights is None:
        assert "edge_weight" not in data
    else:
        assert data.edge_weight.tolist() == weights


def adjacency():
    pairs = np.unique(EDGES, axis=0).T
    return sp.csr_matrix((np.ones(pairs.shape[1]), tuple(pairs)), shape=(5, 5))


def csr_parts(prefix, matrix):
    names = ("data", "indices", "indptr")
    arrays = {f"{prefix}_{name}": getattr(matrix, name) for name in names}
    return arrays | {f"{prefix}_shape": np.array(matrix.shape)}


@pytest.mark.parametrize(
    "arrays",
    [
        {"edge_index": EDGES.T, "x": X, "y": Y},
        {"edge_index": EDGES.T.astype(np.int32), "x": X, "y": Y, "num_nodes": np.array(5)},
        {"edges": EDGES.astype(np.uint64), "node_features": X, "node_labels": Y[:, None]},
        {"edge_index": EDGES.T, "labels": Y, **csr_parts("x", sp.csr_matrix(X))},
        {**csr_parts("adj", adjacency()), **csr_parts("attr", sp.csr_matrix(X)), "labels": Y},
    ],
)
def test_npz_layouts(arrays, tmp_path):
    np.savez(tmp_path / "graph.npz", **arrays)
    check(load(tmp_path / "graph.npz", log=None))


def test_npz_with_weights_and_masks(tmp_path):
    masks = {name: np.eye(5, dtype=bool)[i] for i, name in enumerate(("train_mask", "val_mask"))}
    weight = np.array([2, 3, 4, 5, 6], dtype=np.int16)
    np.savez(tmp_path / "graph.npz", edge_index=EDGES.T, x=X, y=Y, edge_weight=weight, **masks)
    data = load(tmp_path / "graph.npz", log=None)
    check(data, weights=[7.0, 7.0, 3.0, 3.0, 4.0, 4.0])
    assert data.train_mask.tolist() == [True, False, False, False, False]


def test_scipy_files_for_adjacency_and_features(tmp_path):
    sp.save_npz(tmp_path / "adjacency.npz", adjacency() * 2)
    sp.save_npz(tmp_path / "x.npz", sp.csr_matrix(X))
    np.save(tmp_path / "y.npy", Y)
    files = {"features": tmp_path / "x.npz", "labels": str(tmp_path / "y.npy")}
    check(load(tmp_path / "adjacency.npz", log=None, **files), weights=[2.0] * 6)


@pytest.mark.parametrize(
    "name, text",
    [
        ("edges.csv", "source,target\n0,1\n1,2\n3,2\n0,1\n2,2\n"),
        ("edges.tsv", "0\t1\n1\t2\n3\t2\n0\t1\n2\t2\n"),
        ("edges.txt", "# by hand\n0 1\n1 2\n3 2\n0 1\n2 2\n"),
    ],
)
def test_edge_lists(name, text, tmp_path):
    (tmp_path / name).write_text(text)
    np.save(tmp_path / "x.npy", X)
    (tmp_path / "y.txt").write_text("".join(f"{label}\n" for label in Y))
    files = {"features": str(tmp_path / "x.npy"), "labels": tmp_path / "y.txt"}
    check(load(str(tmp_path / name), log=None, **files))


def test_edge_list_with_weights_and_arrays_in_memory(tmp_path):
    (tmp_path / "edges.csv").write_text("0,1,0.5\n1,2,2\n3,2,1.25\n0,1,0.25\n2,2,9\n")
    data = load(tmp_path / "edges.csv", features=X, labels=torch.from_numpy(Y), log=None)
    check(data, weights=[0.75, 0.75, 2.0, 2.0, 1.25, 1.25])


def test_without_features_only_on_request(tmp_path):
    (tmp_path / "edges.csv").write_text("0,1\n1,2\n")
    data = load(tmp_path / "edges.csv", require_features=False, log=None)
    assert data.num_nodes == 3 and data.x is None
    with pytest.raises(ValueError) as refusal:
        load(tmp_path / "edges.csv", log=None)
    assert str(refusal.value) == "load: 'x' must be node features [n, f] (got None)"


def network():
    graph = nx.Graph()
    for node, x, y in zip("abcde", X, Y, strict=True):
        graph.add_node(node, x=x.tolist(), y=int(y))
    graph.add_edges_from(("abcde"[u], "abcde"[v]) for u, v in EDGES.tolist())
    return graph


@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph])
def test_networkx(kind):
    check(load(kind(network()), log=None))


def test_networkx_by_columns_and_weights():
    graph = network()
    for node, x in zip("abcde", X.tolist(), strict=True):
        graph.nodes[node].pop("x")
        graph.nodes[node].update(x0=x[0], x1=x[1])
    for u, v in graph.edges:
        graph.edges[u, v]["weight"] = 3
    check(load(graph, log=None), weights=[3.0] * 6)


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


def graphml(tmp_path, graph):
    for node in graph:
        x = graph.nodes[node].get("x")
        if isinstance(x, list):
            graph.nodes[node]["x"] = " ".join(map(str, x))
    nx.write_graphml(graph, tmp_path / "graph.graphml")
    return tmp_path / "graph.graphml"


def test_graphml(tmp_path):
    check(load(graphml(tmp_path, network()), log=None))


def test_graphml_with_a_file_of_features(tmp_path):
    bare = nx.Graph(network().edges)
    bare.add_nodes_from("abcde")
    path = graphml(tmp_path, bare)
    order = {"features": X, "labels": Y}
    assert load(path, log=None, **order).num_nodes == 5


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


@pytest.mark.parametrize(
    "files, sentence",
    [
        ({"features": "x.csv"}, "'features' must be an array, or a path ending in .npy or .npz"),
        ({"labels": "y.pt"}, "'labels' must be an array, or a path ending in .npy, .csv, .tsv"),
    ],
)
def test_other_endings_of_arrays(files, sentence, tmp_path):
    (tmp_path / "edges.csv").write_text("0,1\n1,2\n")
    with pytest.raises(ValueError) as refusal:
        load(tmp_path / "edges.csv", log=None, **files)
    assert str(refusal.value).startswith(f"load: {sentence}")


@pytest.mark.parametrize(
    "arrays, sentence",
    [
        (
            {"x": X},
            "'source' must be a file with 'edge_index', 'edges' or 'adj_indptr' (got ['x'])",
        ),
        ({"edge_index": EDGES.T + 0.5, "x": X}, "'edge_index' must be of an integer dtype"),
        ({"edge_index": EDGES.T - 1, "x": X}, "'edge_index' must be node indices from 0 to 4 (got"),
        ({"edge_index": EDGES.T + 2, "x": X}, "'edge_index' must be node indices from 0 to 4 (got"),
        ({"edge_index": np.zeros((2, 0), int), "x": X}, "'edge_index' must be a list of one edge"),
        ({"edge_index": EDGES, "x": X}, "'edge_index' must be of shape [2, e] (got (5, 2))"),
        (
            {"edge_index": np.full((2, 3), 2**63, np.uint64), "x": X},
            f"'edge_index' must be node indices below 2**63 (got {2**63})",
        ),
        (
            {"edge_index": EDGES.T, "x": X * np.nan},
            "'x' must be finite in float32 (got '10 entries",
        ),
        (
            {"edge_index": EDGES.T, "x": X, "y": Y[:3]},
            "'y' must be one label per node, of shape (5,)",
        ),
        (
            {"edge_index": EDGES.T, "x": X, "edge_weight": np.ones(3)},
            "'edge_weight' must be one weight per edge, of shape (5,) (got (3,))",
        ),
        (
            {"edge_index": EDGES.T, "x": X, "edge_weight": np.full(5, "a")},
            "'edge_weight' must be of a real dtype (got '<U1')",
        ),
        (
            {"edge_index": EDGES.T, "x": X, "edge_weight": np.full(5, 1e300)},
            "'edge_weight' must be finite in float32 (got '5 entries NaN or infinite')",
        ),
        (
            {"edge_index": EDGES.T, "x": X, "num_nodes": 7},
            "'num_nodes' must be 5, the number of feature rows (got 7)",
        ),
        (
            {"edge_index": EDGES.T, "x": X, "num_nodes": -7},
            "'num_nodes' must be an integer of at least 0 (got -7)",
        ),
        (
            {"edge_index": EDGES.T, "x": X, "train_mask": Y},
            "'train_mask' must be of a boolean dtype (got 'int64')",
        ),
        (
            {**csr_parts("adj", sp.csr_matrix(np.ones((2, 3))))},
            "'source' must be a file with a square adjacency (got (2, 3))",
        ),
    ],
)
def test_npz_refusals(arrays, sentence, tmp_path):
    np.savez(tmp_path / "graph.npz", **arrays)
    with pytest.raises(ValueError) as refusal:
        load(tmp_path / "graph.npz", log=None)
    assert str(refusal.value).startswith(f"load: {sentence}")

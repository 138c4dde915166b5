import time
from pathlib import Path

import networkx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from gclkit.graphs import check_graph, dataset_hash, load, public_split
from gclkit.graphs.datasets import DATASETS
from gclkit.testing.graphs import SOUND, random_graph

PRESENT = ["cora", "citeseer", "photo", "computers", "cs", "blogcatalog", "flickr"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("GCLKIT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.mark.parametrize("name", ["digits", "sbm"])
def test_embedded_graphs_are_as_announced(name):
    data, info = load(name, log=None), DATASETS[name]
    check_graph("test", data, require_undirected=True)
    counts = (data.num_nodes, data.num_edges, data.x.size(1), int(data.y.max()) + 1)
    assert counts == (info.nodes, info.edges, info.features, info.classes)
    assert dataset_hash(data) == dataset_hash(load(name, log=None))


@pytest.mark.parametrize("name", PRESENT)
def test_real_graphs_are_as_announced(name, data_root):
    data, info = load(name, root=data_root, log=None), DATASETS[name]
    check_graph("test", data, require_undirected=True)
    counts = (data.num_nodes, data.num_edges, data.x.size(1), int(data.y.max()) + 1)
    assert counts == (info.nodes, info.edges, info.features, info.classes)
    assert (data.x.layout == torch.sparse_csr) == (name not in ("photo", "computers"))


def test_public_split_of_cora(data_root):
    split = public_split(load("cora", root=data_root, log=None))
    assert [len(part) for part in split] == [140, 500, 1000]
    assert split.name == "public"


def test_names_are_forgiving_about_case():
    assert torch.equal(load(" SBM ", log=None).edge_index, load("sbm", log=None).edge_index)


def test_reads_from_the_folder_of_the_environment(data_root, monkeypatch, capsys):
    monkeypatch.setenv("GCLKIT_DATA", str(data_root))
    data = load("cora")
    assert capsys.readouterr().err == (
        "cora: 2,708 nodes, 10,556 directed edges (features row-normalised)\n"
    )
    assert dataset_hash(data) == "d8ebbdc89bafcf34"


def test_features_of_the_papers_are_normalised_unless_told_otherwise(data_root):
    rows = load("cora", root=data_root, log=None).x.to_dense().sum(dim=1)
    torch.testing.assert_close(rows, torch.ones(2708))
    plain = load("cora", root=data_root, normalize_features=False, log=None)
    assert set(plain.x.values().tolist()) == {1.0}
    unprepared = load("cora", root=data_root, prepare=False, log=None)
    assert torch.equal(unprepared.x.values(), plain.x.values())


def test_a_second_read_of_cora_is_quick(data_root):
    load("cora", root=data_root, log=None)
    start = time.perf_counter()
    load("cora", root=data_root, log=None)
    assert time.perf_counter() - start < 1


def test_options_reach_the_embedded_graphs():
    data = load("sbm", num_nodes=90, num_communities=3, seed=5, log=None)
    assert data.num_nodes == 90 and int(data.y.max()) == 2
    assert load("digits", k=3, log=None).num_edges < load("digits", log=None).num_edges


def test_own_features_and_labels_stand_in_for_those_of_a_dataset():
    x, y = torch.arange(60.0).reshape(20, 3), torch.arange(20) % 4
    data = load(random_graph(seed=1), features=x, labels=y, log=None)
    assert torch.equal(data.x, x) and torch.equal(data.y, y)


@pytest.mark.parametrize("prepare", [True, False])
def test_a_given_graph_is_left_as_it_was(prepare):
    data = random_graph(seed=1)
    data.edge_index = data.edge_index.int()
    before = data.clone()
    loaded = load(data, prepare=prepare, log=None)
    assert data.edge_index.dtype == torch.int32 and loaded.edge_index.dtype == torch.int64
    assert data.to_dict().keys() == before.to_dict().keys()


def test_features_and_labels_are_not_written_into_a_given_graph():
    data = random_graph(seed=1)
    before = data.clone()
    load(data, features=torch.ones(20, 2), labels=torch.arange(20) % 4, log=None)
    with pytest.raises(ValueError, match="'features'"):
        load(data, features=torch.ones(7, 2), labels=[1, 2])
    assert torch.equal(data.x, before.x) and torch.equal(data.y, before.y)


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: load("kora"), "load: 'source' must be one of ['digits', 'sbm', 'cora', "),
        (lambda: load("no/such.npz"), "load: no file 'no/such.npz'"),
        (lambda: load(Path("no/such.graphml")), "load: no file 'no/such.graphml'"),
        (lambda: load("no/such.csv"), "load: no file 'no/such.csv'"),
        (
            lambda: load(3),
            "load: 'source' must be a name, a path, a networkx graph or a"
            " torch_geometric.data.Data object (got 'int')",
        ),
        (
            lambda: load("sbm", sead=1),
            "load: 'options' must be among ['informative', 'inner_degree', 'num_communities', ",
        ),
        (lambda: load("cora", seed=1), "load: 'seed' must be left out for cora (got {'seed': 1})"),
        (
            lambda: load(random_graph(), seed=1),
            "load: 'seed' must be left out for a graph that is not embedded (got {'seed': 1})",
        ),
        (lambda: load("cora", root=7), "load: 'root' must be a path (got 7)"),
        (lambda: load("cora", root="a\0b"), "load: 'root' must be a path (got 'a\\x00b')"),
        (lambda: load("a\0b.npz"), "load: 'source' must be a path (got 'a\\x00b.npz')"),
        (
            lambda: load(random_graph(), features=torch.ones(7, 2)),
            "load: 'features' must be of 20 rows, one per node (got (7, 2))",
        ),
        (
            lambda: load(random_graph(), labels=[1, 2]),
            "load: 'labels' must be one label per node, of shape (20,) (got (2,))",
        ),
        (
            lambda: load(SOUND["only self-loops"](1), log=None),
            "load: 'edge_index' must be a list of one edge or more (got 'none')",
        ),
    ],
)
def test_refusals(call, sentence):
    with pytest.raises((ValueError, OSError)) as refusal:
        call()
    assert str(refusal.value).startswith(sentence) and "\n" not in str(refusal.value)


def test_a_file_of_another_kind(tmp_path):
    (tmp_path / "graph.pt").write_bytes(b"")
    with pytest.raises(ValueError) as refusal:
        load(tmp_path / "graph.pt")
    assert str(refusal.value).startswith("load: 'source' must be a path ending in .npz, .csv, ")


def test_features_do_not_change_the_number_of_nodes(tmp_path):
    (tmp_path / "edges.csv").write_text("0,2\n2,1\n")
    np.savez(tmp_path / "graph.npz", edge_index=np.array([[0, 2], [2, 1]]), num_nodes=4)
    bare = Data(edge_index=torch.tensor([[0, 2], [2, 1]]))
    path = networkx.path_graph(4)
    known = [path, tmp_path / "graph.npz", Data(x=torch.ones(4, 2), edge_index=bare.edge_index)]
    known += [Data(y=torch.arange(4) % 2, edge_index=bare.edge_index)]
    for source in known:
        assert load(source, features=np.full((4, 3), 0.5), log=None).num_nodes == 4
        for rows in (3, 6):
            with pytest.raises(ValueError) as refusal:
                load(source, features=np.ones((rows, 3)), log=None)
            rule = f"of 4 rows, one per node (got ({rows}, 3))"
            assert str(refusal.value) == f"load: 'features' must be {rule}"
    single = Data(edge_index=torch.zeros(2, 1, dtype=torch.int64), num_nodes=1)
    with pytest.raises(ValueError, match=r"^load: 'features' must be of 1 rows, one per node"):
        load(single, features=np.ones((2, 3)), log=None)
    for source in (tmp_path / "edges.csv", bare, Data(y=torch.tensor([1]), **bare.to_dict())):
        assert load(source, features=np.ones((6, 3)), log=None).num_nodes == 6
        with pytest.raises(ValueError) as refusal:
            load(source, features=np.ones((2, 3)), log=None)
        rule = "of 3 rows or more, one per node (got (2, 3))"
        assert str(refusal.value) == f"load: 'features' must be {rule}"


def test_labels_in_a_file_are_one_per_node(tmp_path):
    edges = np.array([[0, 1, 2], [1, 2, 0]])
    np.savez(tmp_path / "graph.npz", edge_index=edges, x=np.ones((3, 2)), y=np.array([0, 1]))
    with pytest.raises(ValueError) as refusal:
        load(tmp_path / "graph.npz", log=None)
    rule = "one label per node, of shape (3,) (got (2,))"
    assert str(refusal.value) == f"load: 'y' must be {rule}"


def test_the_layout_of_features_is_kept_or_asked_for(tmp_path):
    wide = torch.zeros(20, 600)
    wide[:, 7] = 0.5
    data = random_graph(seed=2)
    data.x = wide
    graph = networkx.path_graph(20)
    networkx.set_node_attributes(graph, dict(enumerate(wide.tolist())), "x")
    np.savez(tmp_path / "graph.npz", edge_index=data.edge_index.numpy(), x=wide.numpy())
    for source, layout in [
        (data, torch.strided),
        (graph, torch.strided),
        (tmp_path / "graph.npz", torch.sparse_csr),
        (Data(x=random_graph(seed=2, sparse=True).x, edge_index=data.edge_index), torch.sparse_csr),
    ]:
        x = load(source, log=None).x
        assert x.layout == layout
        dense, sparse = (load(source, sparse=sparse, log=None).x for sparse in (False, True))
        assert dense.layout == torch.strided and sparse.layout == torch.sparse_csr
        assert torch.equal(dense, x.to_dense()) and torch.equal(dense, sparse.to_dense())

import pytest
import torch

from gclkit.graphs import check_graph, dataset_hash, load, public_split
from gclkit.graphs.datasets import DATASETS

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

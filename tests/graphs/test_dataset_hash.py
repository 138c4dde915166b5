import subprocess
import sys

import pytest
import torch
from torch_geometric.data import HeteroData

from gclkit.graphs import dataset_hash
from gclkit.graphs.dataset_hash import further_hash
from gclkit.testing.graphs import random_graph


def test_equal_content_equal_hash():
    data = random_graph(seed=4, weighted=True)
    assert dataset_hash(data) == dataset_hash(data.clone())
    data.x = data.x.T.contiguous().T
    assert dataset_hash(data) == dataset_hash(random_graph(seed=4, weighted=True))


@pytest.mark.parametrize("name", ["x", "edge_index", "y", "edge_weight"])
def test_any_other_entry_is_another_hash(name):
    data, before = random_graph(seed=4, weighted=True), random_graph(seed=4, weighted=True)
    data[name] = data[name].clone()
    data[name].view(-1)[1] += 1
    assert dataset_hash(data) != dataset_hash(before)


def test_what_is_no_tensor_is_left_out():
    data = random_graph(seed=4)
    data.y = ["a"] * 20
    bare = random_graph(seed=4)
    del bare.y
    assert dataset_hash(data) == dataset_hash(bare)


def test_sparse_features_count_by_content():
    hashes = {dataset_hash(random_graph(seed=seed, sparse=True)) for seed in (1, 1, 2)}
    assert len(hashes) == 2


def test_half_precision_counts_by_content():
    hashes = set()
    for seed in (4, 4, 5):
        data = random_graph(seed=seed)
        data.x = data.x.bfloat16()
        hashes.add(dataset_hash(data))
    assert len(hashes) == 2


def test_graphs_whose_edges_it_cannot_read_are_refused():
    data = random_graph(seed=4)
    data.adj_t, data.edge_index = torch.eye(20).to_sparse_csr(), None
    with pytest.raises(ValueError, match=r"^dataset_hash: 'edge_index' must be a tensor \[2, e\]"):
        dataset_hash(data)
    with pytest.raises(ValueError) as error:
        dataset_hash(HeteroData())
    assert str(error.value) == (
        "dataset_hash: 'data' must be a torch_geometric.data.Data object (got 'HeteroData')"
    )
    data = random_graph(seed=4)
    data.x = data.x.to_sparse_coo()
    with pytest.raises(ValueError) as error:
        dataset_hash(data)
    assert str(error.value) == "dataset_hash: 'x' must be strided or CSR (got torch.sparse_coo)"


def test_isolated_nodes_count():
    data = random_graph(seed=4)
    data.x, data.y = None, None
    hashes = set()
    for n in (20, 21):
        data.num_nodes = n
        hashes.add(dataset_hash(data))
    assert len(hashes) == 2


def test_another_process_gives_the_same():
    code = (
        "from gclkit.graphs import dataset_hash; from gclkit.testing.graphs import random_graph;"
        "print(dataset_hash(random_graph(seed=9)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    mine = dataset_hash(random_graph(seed=9))
    assert run.stdout.strip() == mine and len(mine) == 16
    assert torch.equal(random_graph(seed=9).y, random_graph(seed=9).y)


@pytest.mark.parametrize("layout", [torch.strided, torch.sparse_csr, torch.sparse_coo])
def test_what_a_graph_holds_beside_its_content_has_a_hash_of_its_own(layout):
    hashes = set()
    for diagonal in (1, 1, 2):
        data = random_graph(seed=4)
        weights = diagonal * torch.eye(20)
        data.weights = weights if layout == torch.strided else weights.to_sparse(layout=layout)
        assert dataset_hash(data) == dataset_hash(random_graph(seed=4))
        hashes.add(further_hash(data))
    assert len(hashes) == 2 and further_hash(random_graph(seed=4)) not in hashes


def test_the_hash_of_the_rest_reads_neither_content_nor_text():
    data = random_graph(seed=5, weighted=True)
    data.title = "a graph"
    assert further_hash(data) == further_hash(random_graph(seed=4))

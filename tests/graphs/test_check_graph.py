import numpy as np
import pytest
import torch
from torch_geometric.data import Data, HeteroData
from torch_geometric.utils import coalesce, to_edge_index

from gclkit.graphs import check_graph
from gclkit.graphs.check_graph import count_nodes
from gclkit.testing.graphs import CONVERTIBLE, MALFORMED, MISLABELED, SOUND, random_graph

SENTENCES = {
    "nothing": "'edge_index' must be a tensor [2, e] (got 'NoneType')",
    "empty": "'data' must be a graph of two nodes or more (got '0 nodes')",
    "one node": "'data' must be a graph of two nodes or more (got '1 nodes')",
    "no edges": "'edge_index' must be a list of one edge or more (got 'none')",
    "no features": "'x' must be node features [n, f] (got None)",
    "no feature columns": "'x' must be of shape [n, f] with at least one feature (got (20, 0))",
    "flat features": "'x' must be of shape [n, f] with at least one feature (got (20, 3, 2))",
    "complex features": "'x' must be of dtype torch.float32 or torch.float64"
    " (gclkit.graphs.load converts) (got torch.complex64)",
    "NaN": "'x' must be finite (got '1 of 120 entries NaN or infinite')",
    "infinity": "'x' must be finite (got '1 of 120 entries NaN or infinite')",
    "index out of range": "'edge_index' must be node indices from 0 to 19 (got 20)",
    "huge index": f"'edge_index' must be node indices from 0 to 19 (got {2**62})",
    "negative index": "'edge_index' must be node indices from 0 to 19 (got -1)",
    "float indices": "'edge_index' must be of an integer dtype (got torch.float32)",
    "boolean indices": "'edge_index' must be of an integer dtype (got torch.bool)",
    "three rows of indices": "'edge_index' must be of shape [2, e] (got (3, 4))",
    "flat indices": "'edge_index' must be of shape [2, e] (got (4,))",
    "a list of indices": "'edge_index' must be a tensor [2, e] (got 'list')",
    "num_nodes that contradicts": "'num_nodes' must be 20, the number of feature rows (got 19)",
    "int32 indices": "'edge_index' must be of dtype torch.int64 (gclkit.graphs.load converts)"
    " (got torch.int32)",
    "half features": "'x' must be of dtype torch.float32 or torch.float64"
    " (gclkit.graphs.load converts) (got torch.float16)",
    "coordinate features": "'x' must be a strided or sparse CSR tensor [n, f]"
    " (got torch.sparse_coo)",
    "negative weight": "'edge_weight' must be not negative (got -1.0)",
}


@pytest.mark.parametrize("name", SENTENCES)
def test_sentences(name):
    with pytest.raises(ValueError) as refusal:
        check_graph("owner", {**MALFORMED, **CONVERTIBLE}[name](3))
    assert str(refusal.value) == f"owner: {SENTENCES[name]}"


@pytest.mark.parametrize("data", [None, 3, HeteroData(), torch.eye(3)])
def test_other_objects_are_refused(data):
    with pytest.raises(ValueError) as refusal:
        check_graph("owner", data)
    kind = type(data).__name__
    rule = "must be a torch_geometric.data.Data object"
    assert str(refusal.value) == f"owner: 'data' {rule} (got '{kind}')"


def test_returns_the_graph_itself():
    data = random_graph(seed=2)
    assert check_graph("owner", data) is data


def test_direction_is_looked_at_when_asked_for():
    data = SOUND["directed"](4)
    check_graph("owner", data)
    with pytest.raises(ValueError) as refusal:
        check_graph("owner", data, require_undirected=True)
    rule = "undirected, with both directions of every edge"
    got = f"'{data.num_edges} reverse edges missing'"
    assert str(refusal.value) == f"owner: 'edge_index' must be {rule} (got {got})"


@pytest.mark.parametrize("name", MISLABELED)
def test_labels_are_not_looked_at(name):
    data = MISLABELED[name](5)
    assert check_graph("owner", data) is data


def test_features_can_be_absent_when_said_so():
    data = Data(num_nodes=4, edge_index=torch.tensor([[0, 1], [1, 0]]))
    assert check_graph("owner", data, require_features=False) is data


def test_nodes_are_counted_by_what_is_there():
    edges = torch.tensor([[0, 1], [1, 0]])
    check_graph("owner", Data(edge_index=edges), require_features=False)
    check_graph("owner", Data(edge_index=edges, y=torch.zeros(5).long()), require_features=False)
    with pytest.raises(ValueError) as refusal:
        check_graph("owner", Data(edge_index=edges, num_nodes=-4), require_features=False)
    assert (
        str(refusal.value)
        == f"owner: 'num_nodes' must be an integer from 0 to {2**31 - 1} (got -4)"
    )
    with pytest.raises(ValueError) as refusal:
        check_graph("owner", Data(edge_index=edges + 1200), require_features=False)
    rule = "numbered without gaps from 0, for 2 edges without features"
    assert str(refusal.value) == f"owner: 'edge_index' must be {rule} (got 1201)"


@pytest.mark.parametrize(
    ("attributes", "count"),
    [
        ({}, 3),
        ({"y": torch.tensor([0, 1, 0, 1, 0])}, 5),
        ({"y": torch.tensor([2])}, 3),
        ({"pos": torch.zeros(6, 2), "y": torch.tensor([2])}, 6),
        ({"num_nodes": np.int64(7), "y": torch.tensor([2])}, 7),
        ({"num_nodes": 4, "y": torch.arange(9)}, 4),
    ],
)
def test_one_count_of_the_nodes(attributes, count):
    data = Data(edge_index=torch.tensor([[0, 2], [2, 0]]), **attributes)
    assert count_nodes("owner", data) == count


def test_a_sparse_matrix_that_points_outside_is_refused():
    x = torch.sparse_csr_tensor(
        torch.tensor([0, 1, 2]), torch.tensor([0, 9]), torch.ones(2), (2, 3), check_invariants=False
    )
    with pytest.raises(ValueError, match=r"owner: 'x' must be a valid sparse matrix \(got"):
        check_graph("owner", Data(x=x, edge_index=torch.tensor([[0, 1], [1, 0]])))


def test_a_graph_that_holds_its_adjacency_only_is_told_the_remedy():
    data = SOUND["directed"](4)
    entries = (data.edge_index.flip(0), torch.ones(data.num_edges), (20, 20))
    bare = Data(x=data.x, adj_t=torch.sparse_coo_tensor(*entries, check_invariants=True).coalesce())
    with pytest.raises(ValueError) as refusal:
        check_graph("owner", bare)
    remedy = "torch_geometric.utils.to_edge_index(data.adj_t)[0].flip(0)"
    rule = f"a tensor [2, e], here {remedy}"
    assert str(refusal.value) == f"owner: 'edge_index' must be {rule} (got None)"
    bare.edge_index = to_edge_index(bare.adj_t)[0].flip(0)
    check_graph("owner", bare)
    assert torch.equal(coalesce(bare.edge_index), coalesce(data.edge_index))


def test_a_graph_without_edges_passes_where_none_are_required():
    single = Data(edge_index=torch.empty(2, 0, dtype=torch.int64), num_nodes=1)
    relaxed = {"require_features": False, "require_edges": False}
    assert check_graph("owner", single, **relaxed) is single
    single.num_nodes = 0
    with pytest.raises(ValueError) as refusal:
        check_graph("owner", single, **relaxed)
    assert str(refusal.value) == "owner: 'data' must be a graph of one node or more (got '0 nodes')"

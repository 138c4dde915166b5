import pytest
import torch
from torch_geometric.nn.conv.gcn_conv import gcn_norm
from torch_geometric.utils import erdos_renyi_graph

from gclkit.encoders import GCNConv, gcn_adjacency


@pytest.mark.parametrize("weighted", [False, True])
def test_equals_the_normalisation_of_pyg(weighted):
    torch.manual_seed(0)
    edge_index = erdos_renyi_graph(20, 0.2, directed=True)
    edge_index = torch.cat([edge_index, torch.tensor([[4, 7, 4], [4, 7, 4]])], dim=1)
    weight = torch.rand(edge_index.size(1)).double() + 0.3 if weighted else None
    adjacency = gcn_adjacency(edge_index, weight, 22, dtype=torch.float64)
    pairs, value = gcn_norm(edge_index, weight, 22, dtype=torch.float64)
    expected = torch.zeros(22, 22, dtype=torch.float64)
    expected.index_put_((pairs[1], pairs[0]), value, accumulate=True)
    torch.testing.assert_close(adjacency.to_dense(), expected)


def test_a_path_by_hand():
    edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    dense = gcn_adjacency(edge_index, None, 3).to_dense()
    assert dense[0, 0] == pytest.approx(1 / 2) and dense[1, 1] == pytest.approx(1 / 3)
    assert dense[0, 1] == pytest.approx(6**-0.5) and dense[0, 2] == 0


def test_no_edges_give_the_identity():
    empty = torch.empty(2, 0, dtype=torch.int64)
    assert torch.equal(gcn_adjacency(empty, None, 4).to_dense(), torch.eye(4))


def test_narrow_values_come_from_degrees_that_count_on():
    leaves = torch.arange(1, 601)
    edge_index = torch.stack([leaves, torch.zeros_like(leaves)])
    exact = gcn_adjacency(edge_index, None, 601)
    narrow = gcn_adjacency(edge_index, None, 601, dtype=torch.bfloat16)
    assert torch.equal(narrow.values(), exact.values().bfloat16())
    assert float(exact.values()[0]) == pytest.approx(601**-0.5)


def test_a_negative_degree_is_refused():
    edge_index, weight = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), torch.tensor([1.0, -3, 1, 1])
    for call in (gcn_adjacency, lambda *edges: GCNConv(3, 2)(torch.ones(3, 3), *edges[:2])):
        with pytest.raises(ValueError) as error:
            call(edge_index, weight, 3)
        assert str(error.value) == (
            "gcn_adjacency: 'edge_weight' must be of a sum of at least 0 into each node "
            "(got '-2 into node 0')"
        )
    weight[1] = -1.0  # A degree of 0, with the loop: nothing flows.
    assert gcn_adjacency(edge_index, weight, 3).to_dense()[0].eq(0).all()


def test_weights_of_other_edges_are_refused():
    with pytest.raises(ValueError) as error:
        gcn_adjacency(torch.tensor([[0, 1], [1, 0]]), torch.ones(3), 2)
    assert str(error.value) == (
        "gcn_adjacency: 'edge_weight' must be one weight per edge, of shape (2,) (got (3,))"
    )

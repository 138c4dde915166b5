import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from gclkit.testing.five_nodes import EDGES, PREPARED, X, Y, adjacency, assert_five_nodes, network


def prepared(**changes):
    entries = {"edge_index": torch.tensor(PREPARED), "x": torch.tensor(X), "y": torch.tensor(Y)}
    return Data(**(entries | changes))


def test_the_forms_agree():
    dense = np.zeros((5, 5), dtype=bool)
    dense[EDGES[:, 0], EDGES[:, 1]] = True
    assert ((adjacency().toarray() == 1) == dense).all()
    assert {(ord(u) - 97, ord(v) - 97) for u, v in network().edges} == {
        (0, 1),
        (1, 2),
        (2, 3),
        (2, 2),
    }
    assert_five_nodes(prepared())
    assert_five_nodes(prepared(edge_weight=torch.arange(6.0)), weights=[0, 1, 2, 3, 4, 5])


@pytest.mark.parametrize(
    ("changes", "weights"),
    [
        ({"edge_index": torch.tensor(PREPARED).flip(0)}, None),
        ({"x": torch.tensor(X) + 1e-6}, None),
        ({"y": torch.tensor(Y).flip(0)}, None),
        ({"edge_weight": torch.ones(6)}, None),
        ({}, [1.0] * 6),
        ({"edge_weight": torch.ones(6)}, [2.0] * 6),
    ],
)
def test_another_graph_fails(changes, weights):
    with pytest.raises(AssertionError):
        assert_five_nodes(prepared(**changes), weights=weights)

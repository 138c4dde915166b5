import pytest
import torch
from torch_geometric.data import Data

from gclkit.communities.adjacency import symmetric_adjacency


def test_is_symmetric_canonical_and_without_zeros():
    edge_index = torch.tensor([[0, 0, 1, 3, 2], [1, 1, 0, 3, 0]])
    weight = torch.tensor([1.0, 2.0, 5.0, 4.0, 0.0])
    data = Data(edge_index=edge_index, edge_weight=weight, num_nodes=5)
    matrix = symmetric_adjacency(data)
    expected = torch.zeros(5, 5, dtype=torch.float64)
    expected[0, 1] = expected[1, 0] = (3.0 + 5.0) / 2
    expected[3, 3] = 4.0
    assert (matrix.toarray() == expected.numpy()).all()
    assert matrix.nnz == 3 and matrix.dtype == "float64" and matrix.has_canonical_format


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_refuses_bad_weights(bad):
    data = Data(edge_index=torch.tensor([[0], [1]]), edge_weight=torch.tensor([bad]), num_nodes=2)
    with pytest.raises(ValueError, match=r"^detect: 'edge_weight' must be finite and at least 0"):
        symmetric_adjacency(data)

import torch

from gclkit.bounds.sparse import edge_dot, pattern
from gclkit.sparse import csr_tensor


def test_is_the_matrix_of_its_edges():
    generator = torch.Generator().manual_seed(0)
    dense = torch.rand(6, 5, generator=generator).double() * (torch.rand(6, 5) > 0.5)
    row, col = dense.nonzero(as_tuple=True)
    matrix = csr_tensor(*pattern(row, col, (6, 5)), dense[row, col], (6, 5))
    assert matrix.crow_indices().dtype == torch.int32
    torch.testing.assert_close(matrix.to_dense(), dense)


def test_edge_dot(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(n, 3, generator=generator).double() for n in (4, 5))
    left.requires_grad_(), right.requires_grad_()
    row, col = torch.tensor([0, 0, 1, 3]), torch.tensor([4, 1, 1, 0])
    torch.testing.assert_close(edge_dot(row, col, left, right), (left @ right.t())[row, col])
    assert torch.autograd.gradcheck(lambda a, b: edge_dot(row, col, a, b), (left, right))
    assert edge_dot(row[:0], col[:0], left, right).shape == (0,)

import gc
import subprocess
import sys
import warnings

import pytest
import torch

from gclkit import sparse
from gclkit.sparse import column_sums, csr_tensor, sparse_product, transposed


def random_csr(rows=6, columns=5, dtype=torch.float64, index=torch.int64):
    generator = torch.Generator().manual_seed(0)
    dense = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
    dense = dense.masked_fill_(torch.rand(rows, columns, generator=generator) < 0.5, 0.0).to(dtype)
    row, column = dense.nonzero(as_tuple=True)
    start = torch.searchsorted(row, torch.arange(rows + 1))
    return csr_tensor(start.to(index), column.to(index), dense[row, column], (rows, columns)), dense


def test_is_the_matrix_of_its_parts():
    matrix = csr_tensor(
        torch.tensor([0, 2, 2, 3]), torch.tensor([1, 3, 0]), torch.tensor([2.0, 5.0, 7.0]), (3, 4)
    )
    expected = torch.tensor([[0.0, 2, 0, 5], [0, 0, 0, 0], [7, 0, 0, 0]])
    assert matrix.layout == torch.sparse_csr and torch.equal(matrix.to_dense(), expected)


def test_says_nothing_on_first_use():
    code = (
        "import torch; from gclkit.sparse import csr_tensor as c; t = torch.tensor\n"
        "c(t([0, 1]), t([0]), t([2.0]), (1, 1)) @ torch.ones(1, 1)"
    )
    out = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True
    )
    assert out.returncode == 0 and out.stderr == "", out.stderr


@pytest.mark.parametrize("index", [torch.int32, torch.int64])
@pytest.mark.parametrize("by_column", [False, True])
def test_products_and_their_gradients(index, by_column):
    matrix, dense = random_csr(index=index)
    right = torch.randn(5, 3, dtype=torch.float64)
    right = (right.t().contiguous().t() if by_column else right).requires_grad_()
    torch.testing.assert_close(sparse_product(matrix, right), dense @ right)
    assert torch.autograd.gradcheck(lambda r: sparse_product(matrix, r), right)
    assert torch.autograd.gradgradcheck(lambda r: sparse_product(matrix, r).square(), right)


@pytest.mark.parametrize("narrow", [torch.bfloat16, torch.float16])
def test_narrow_factors_are_multiplied_in_single_precision(narrow):
    matrix, dense = random_csr(dtype=torch.float32)
    right = torch.randn(5, 3).to(narrow).requires_grad_()
    out = sparse_product(matrix, right)
    torch.testing.assert_close(out, dense @ right.float())
    (grad,) = torch.autograd.grad(out.square().sum(), right)
    torch.testing.assert_close(grad, (2 * dense.t() @ out).to(narrow))
    matrix, dense = random_csr(dtype=narrow)
    expected = (dense.float() @ right.float()).to(narrow)
    torch.testing.assert_close(sparse_product(matrix, right), expected, rtol=0, atol=0)


@pytest.mark.parametrize("mkl", [False, True])
def test_autocast_leaves_the_product_alone(mkl, monkeypatch):
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: mkl)
    matrix, dense = random_csr(dtype=torch.float32)
    right = torch.randn(5, 3, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = sparse_product(matrix, right)
        (grad,) = torch.autograd.grad(out.sin().sum(), right)
    torch.testing.assert_close(out, dense @ right)
    torch.testing.assert_close(grad, dense.t() @ out.cos())


def test_a_matrix_that_asks_for_a_gradient_gets_it():
    matrix, dense = random_csr()
    right = torch.randn(5, 3, dtype=torch.float64)
    matrix.requires_grad_()
    sparse_product(matrix, right).sum().backward()
    expected = torch.ones(6, 3, dtype=torch.float64) @ right.t()
    there = dense != 0
    torch.testing.assert_close(matrix.grad.to_dense()[there], expected[there])


def test_the_mirror_of_a_symmetric_pattern_gives_the_transposed_matrix():
    pattern = torch.tensor([[0.0, 2, 3], [5, 0, 0], [7, 0, 11]], dtype=torch.float64)
    row, column = pattern.nonzero(as_tuple=True)
    start = torch.searchsorted(row, torch.arange(4))
    matrix = csr_tensor(start, column, pattern[row, column], (3, 3))
    mirror = torch.tensor([2, 3, 0, 1, 4])
    right = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda r: sparse_product(matrix, r, mirror), right)
    assert torch.autograd.gradgradcheck(lambda r: sparse_product(matrix, r, mirror).sin(), right)


def test_a_result_starts_from_nothing_that_was_in_its_memory(monkeypatch):
    matrix, dense = random_csr()
    empty = csr_tensor(torch.zeros(7, dtype=torch.int64), torch.zeros(0, dtype=torch.int64),
                       torch.zeros(0, dtype=torch.float64), (6, 5))  # fmt: skip
    full = torch.full
    monkeypatch.setattr(
        torch.Tensor, "new_empty", lambda x, *size: full(size, torch.nan, dtype=x.dtype)
    )
    right = torch.randn(5, 3, dtype=torch.float64)
    torch.testing.assert_close(sparse_product(matrix, right), dense @ right)
    assert torch.equal(sparse_product(empty, right), torch.zeros(6, 3, dtype=torch.float64))


def test_without_mkl_products_are_the_same(monkeypatch):
    matrix, dense = random_csr()
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: False)
    right = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(sparse_product(matrix, right), dense @ right)
    assert torch.autograd.gradcheck(lambda r: sparse_product(matrix, r), right)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_transposed(dtype):
    matrix, dense = random_csr(dtype=dtype)
    assert transposed(matrix).layout == torch.sparse_csr
    assert torch.equal(transposed(matrix).to_dense(), dense.t())


def test_the_transposed_matrix_is_made_once_until_the_values_change():
    matrix, dense = random_csr()
    first = transposed(matrix)
    assert transposed(matrix) is first
    matrix.values().mul_(3.0)
    assert torch.equal(transposed(matrix).to_dense(), 3.0 * dense.t())


def test_values_that_change_before_the_backward_pass_are_refused():
    matrix, _ = random_csr()
    right = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    out = sparse_product(matrix, right)
    matrix.values().mul_(3.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward()


def test_the_transposed_matrix_goes_with_the_matrix():
    matrix, _ = random_csr()
    known = len(sparse._TRANSPOSED)
    transposed(matrix)
    assert len(sparse._TRANSPOSED) == known + 1
    del matrix
    gc.collect()
    assert len(sparse._TRANSPOSED) == known


def test_column_sums_of_sparse_rows_are_those_of_dense_ones():
    matrix, dense = random_csr()
    weight = torch.linspace(-0.5, 2.0, 6, dtype=torch.float64)
    for change, entries in [(torch.abs, dense.abs()), (lambda e: e != 0, dense != 0)]:
        expected = (entries.double() * weight[:, None]).sum(dim=0)
        for x in (dense, matrix):
            torch.testing.assert_close(column_sums(x, weight, change), expected)


def test_parts_from_outside_are_checked():
    parts = (torch.tensor([0, 1, 2]), torch.tensor([0, 5]), torch.ones(2), (2, 3))
    csr_tensor(*parts)
    with pytest.raises(RuntimeError):
        csr_tensor(*parts, check=True)


def test_a_matrix_leaves_the_warnings_of_others_as_they_are():
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("default")
        for _ in range(3):
            warnings.warn("mine", UserWarning, stacklevel=1)
            random_csr()
    assert [str(warning.message) for warning in shown] == ["mine"]

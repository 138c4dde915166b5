import numpy as np
import pytest
import scipy.sparse as sp

from gclkit.graphs.csr_parts import read_csr


def parts(matrix, prefix="adj"):
    names = ("data", "indices", "indptr")
    arrays = {f"{prefix}_{name}": getattr(matrix, name).copy() for name in names}
    return arrays | {f"{prefix}_shape": np.array(matrix.shape)}


MATRIX = sp.csr_matrix(np.array([[0, 2.5, 0], [1, 0, 3], [0, 0, 0]]))


def test_a_matrix_comes_back():
    assert (read_csr("test", parts(MATRIX), "adj") != MATRIX).nnz == 0
    arrays = parts(MATRIX)
    del arrays["adj_data"]
    assert read_csr("test", arrays, "adj").toarray().tolist() == [[0, 1, 0], [1, 0, 1], [0, 0, 0]]


@pytest.mark.parametrize(
    "name, value, got",
    [
        ("adj_indices", [1, 0, 3], "'column 3 of 3'"),
        ("adj_indices", [1, -1, 2], "'column 2 of 3'"),
        ("adj_indices", [1, 0], "'2 indices, data float64 (3,)'"),
        ("adj_indices", [1.0, 0.0, 2.0], "'float64, shape (3,)'"),
        ("adj_indptr", [0, 1, 3], "'shape [3, 3], 3 row pointers'"),
        ("adj_indptr", [0, 4, 3, 3], "'row pointers that do not rise from 0 to the end'"),
        ("adj_indptr", [1, 1, 3, 3], "'row pointers that do not rise from 0 to the end'"),
        ("adj_shape", [3], "'shape [3], 4 row pointers'"),
        ("adj_shape", [-1, 3], "'shape [-1, 3], 4 row pointers'"),
        ("adj_data", [1, 1, 1j], "'3 indices, data complex128 (3,)'"),
    ],
)
def test_parts_that_make_no_matrix(name, value, got):
    with pytest.raises(ValueError) as refusal:
        read_csr("test", parts(MATRIX) | {name: np.array(value)}, "adj")
    what = "a compressed sparse matrix in 'adj_indices' and its parts"
    assert str(refusal.value) == f"test: 'source' must be {what} (got {got})"


def test_a_missing_part_is_named():
    with pytest.raises(ValueError) as refusal:
        read_csr("test", {"adj_indices": np.arange(2)}, "adj")
    assert str(refusal.value) == (
        "test: 'source' must be a file with 'adj_indptr' (got ['adj_indices'])"
    )

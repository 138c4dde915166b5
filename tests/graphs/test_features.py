import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from gclkit.graphs.features import as_features, as_labels, as_weights, check_sparse
from gclkit.sparse import csr_tensor

WIDE = np.zeros((30, 600))
WIDE[np.arange(30), np.arange(30) * 7] = np.arange(30) + 0.5


@pytest.mark.parametrize(
    "make",
    [
        lambda x: x,
        torch.from_numpy,
        sp.csr_matrix,
        sp.csc_matrix,
        sp.coo_array,
        lambda x: torch.from_numpy(x).to_sparse_coo(),
        lambda x: torch.from_numpy(x).to_sparse_csr(),
        lambda x: x.tolist(),
        lambda x: torch.from_numpy(x).bfloat16(),
    ],
)
def test_wide_and_empty_becomes_sparse_whatever_it_came_as(make):
    x = as_features("test", "x", make(WIDE))
    assert x.layout == torch.sparse_csr and x.dtype == torch.float32
    assert x.crow_indices().dtype == x.col_indices().dtype == torch.int64
    np.testing.assert_array_equal(x.to_dense().numpy(), WIDE)
    # A stored zero is dropped: row 0 holds 0.5, and nothing else is stored but one per row.
    assert x.values().numel() == 30


@pytest.mark.parametrize(
    "shape, per_row, sparse", [((20, 500), 1, False), ((20, 501), 25, True), ((20, 501), 26, False)]
)
def test_the_bounds_of_sparse(shape, per_row, sparse):
    x = np.zeros(shape)
    x[:, :per_row] = 2.0
    assert (as_features("test", "x", x).layout == torch.sparse_csr) == sparse


@given(
    nps.arrays(
        st.sampled_from([np.float16, np.float64, np.int8, np.int64, np.uint16, np.bool_]),
        st.tuples(st.integers(1, 6), st.integers(1, 6)),
    )
)
@settings(max_examples=60, deadline=None)
def test_real_arrays_become_float32_or_are_refused(array):
    with np.errstate(over="ignore"):
        expected = array.astype(np.float32)
    if np.isfinite(expected).all():
        np.testing.assert_array_equal(as_features("test", "x", array).numpy(), expected)
    else:
        with pytest.raises(ValueError, match=r"^test: 'x' must be finite in float32"):
            as_features("test", "x", array)


def test_a_small_file_cannot_announce_a_large_matrix(monkeypatch):
    wide = sp.csr_matrix((2, 2**40), dtype=np.float32)
    with pytest.raises(ValueError) as refusal:
        as_features("test", "x", wide)
    got = f"(2, {2**40})"
    assert (
        str(refusal.value)
        == f"test: 'x' must be a matrix of at most {2**31 - 1} columns (got {got})"
    )
    monkeypatch.setattr("gclkit.graphs.features.memory_limit", lambda: 1000)
    with pytest.raises(ValueError, match=r"^test: 'x' must be a matrix of at most 1000 bytes when"):
        as_features("test", "x", sp.csr_matrix((300, 3), dtype=np.float32))


def test_a_vector_is_one_feature():
    assert as_features("test", "x", [1, 2, 3]).tolist() == [[1.0], [2.0], [3.0]]


@pytest.mark.parametrize(
    "value, sentence",
    [
        (np.ones((2, 2, 2)), "a matrix [n, f] with at least one column (got (2, 2, 2))"),
        (np.ones((2, 0)), "a matrix [n, f] with at least one column (got (2, 0))"),
        (3.0, "a matrix [n, f] with at least one column (got ())"),
        (np.array([["a", "b"]]), "of a real dtype (got '<U1')"),
        (np.ones((2, 2)) * 1j, "of a real dtype (got 'complex128')"),
        (np.array([[None]]), "of a real dtype (got 'object')"),
        ([[1.0], [np.nan]], "finite in float32 (got '1 of 2 entries NaN or infinite')"),
        ([[1e39, 1.0]], "finite in float32 (got '1 of 2 entries NaN or infinite')"),
        (
            torch.ones(2, 2, dtype=torch.complex64),
            "a real, strided tensor (got 'torch.complex64, torch.strided')",
        ),
        (
            torch.ones(2, 2, 2).to_sparse_coo(),
            "a valid sparse matrix (got '3 dimensions')",
        ),
    ],
)
def test_refusals(value, sentence):
    with pytest.raises(ValueError) as refusal:
        as_features("test", "x", value)
    assert str(refusal.value) == f"test: 'x' must be {sentence}"


@pytest.mark.parametrize("value", [[[1.0], [2.0, 3.0]], "nonsense", object(), {"a": 1}])
def test_other_objects_are_refused(value):
    with pytest.raises(ValueError, match=r"^test: 'x' must be "):
        as_features("test", "x", value)


@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr])
def test_sparse_tensors_of_complex_numbers_are_refused(layout):
    value = torch.eye(3, dtype=torch.complex64).to_sparse(layout=layout)
    with pytest.raises(ValueError) as error:
        check_sparse("test", "x", value)
    assert str(error.value) == "test: 'x' must be of a real dtype (got torch.complex64)"


def test_sparse_tensors_that_point_outside_are_refused():
    inside = csr_tensor(torch.tensor([0, 1, 2]), torch.tensor([1, 0]), torch.ones(2), (2, 3))
    assert check_sparse("test", "x", inside) is inside
    outside = torch.sparse_csr_tensor(
        torch.tensor([0, 1, 2]), torch.tensor([1, 5]), torch.ones(2), (2, 3), check_invariants=False
    )
    with pytest.raises(ValueError, match=r"^test: 'x' must be a valid sparse matrix \(got "):
        as_features("test", "x", outside)
    outside = torch.sparse_coo_tensor(
        torch.tensor([[0, 7], [1, 1]]), torch.ones(2), (2, 3), check_invariants=False
    )
    with pytest.raises(ValueError, match=r"^test: 'x' must be a valid sparse matrix \(got "):
        as_features("test", "x", outside)


@pytest.mark.parametrize(
    "value",
    [[2, 0, 1], np.array([[2], [0], [1]], np.uint8), torch.tensor([2, 0, 1], dtype=torch.int16)],
)
def test_labels(value):
    labels = as_labels("test", "y", value)
    assert labels.tolist() == [2, 0, 1] and labels.dtype == torch.int64
    assert as_labels("test", "y", [2, -1, 0]).tolist() == [2, -1, 0], "-1: unknown"


@pytest.mark.parametrize(
    "value, sentence",
    [
        ([0.0, 1.0], "of an integer dtype (got 'float64')"),
        ([True, False], "of an integer dtype (got 'bool')"),
        ([0, 2**40], f"classes numbered without gaps from 0 (got {2**40})"),
        ([[0, 1], [1, 0]], "one class per node, [n] (got (2, 2))"),
        (5, "one class per node, [n] (got ())"),
    ],
)
def test_refused_labels(value, sentence):
    with pytest.raises(ValueError) as refusal:
        as_labels("test", "y", value)
    assert str(refusal.value) == f"test: 'y' must be {sentence}"


@pytest.mark.parametrize("read", [as_features, as_weights])
def test_signalling_nan_is_refused_without_a_warning(read):
    value = np.array([0x3FF0000000000000, 0x7FF0000000000001] * 9, dtype=np.uint64).view(float)
    with pytest.raises(ValueError, match=r"^load: 'x' must be finite in float32"):
        read("load", "x", value)

import numpy as np
import pytest
import torch

from gclkit.evaluators.inputs import check_embeddings, check_labels
from gclkit.graphs import Split

SHAPE = "f: 'z' must be a matrix of one row per node, two or more nodes (got "


def test_embeddings_come_back_dense_detached_and_wide_enough():
    z = torch.eye(3, requires_grad=True)
    assert not check_embeddings("f", z, 3).requires_grad
    assert check_embeddings("f", torch.eye(3).to_sparse_csr()).layout == torch.strided
    assert check_embeddings("f", torch.eye(3, dtype=torch.bfloat16)).dtype == torch.float32
    assert check_embeddings("f", torch.eye(3, dtype=torch.float64)).dtype == torch.float64
    assert check_embeddings("f", torch.eye(3).long()).dtype == torch.float32
    assert check_embeddings("f", 2e20 * torch.eye(3).double())[0, 0] == 2e20


def test_arrays_of_any_kind_and_layout_come_back_as_tensors():
    z = np.arange(12.0).reshape(4, 3) / 7
    locked = z.copy()
    locked.setflags(write=False)
    for array in (z, z.astype(">f8"), z.astype(np.longdouble), np.asfortranarray(z), locked):
        assert torch.equal(check_embeddings("f", array), torch.from_numpy(z))
    assert torch.equal(check_embeddings("f", z[::-1, ::2]), torch.from_numpy(z[::-1, ::2].copy()))
    for kind in (np.float16, np.float32, np.int64, np.uint16):
        assert check_embeddings("f", np.ones((4, 3), kind)).dtype == torch.float32


@pytest.mark.parametrize(
    ("z", "message"),
    [
        ([[1.0]], "f: 'z' must be a tensor [n, d] (got 'list')"),
        (np.array([[None]]), "f: 'z' must be real numbers (got dtype('O'))"),
        (np.array([["a"]]), "f: 'z' must be real numbers (got dtype('<U1'))"),
        (torch.ones(4), SHAPE + "(4,))"),
        (torch.ones(4, 0), SHAPE + "(4, 0))"),
        (torch.ones(1, 2), SHAPE + "(1, 2))"),
        (torch.ones(3, 2), "f: 'z' must be of 4 rows, one per node (got (3, 2))"),
        (torch.ones(4, 2) * 1j, "f: 'z' must be real numbers (got torch.complex64)"),
        (
            torch.full((4, 2), -2e20),
            "f: 'z' must be small enough for the sum of its squares in torch.float32 "
            "(got 'entries up to 2e+20')",
        ),
        (torch.ones(4, 2) / 0, "f: 'z' must be finite (got '8 of 8 entries NaN or infinite')"),
    ],
)  # fmt: skip
def test_other_embeddings_are_refused(z, message):
    with pytest.raises(ValueError) as error:
        check_embeddings("f", z, 4)
    assert str(error.value) == message


def test_labels_come_back_in_int64():
    assert check_labels("f", torch.tensor([1, 0, 2], dtype=torch.int16), 3).dtype == torch.int64


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "f: 'y' must be one label per node, of shape (3,) (got 'NoneType')"),
        (torch.zeros(2).long(), "f: 'y' must be one label per node, of shape (3,) (got (2,))"),
        (
            torch.zeros(3, 1),
            "f: 'y' must be one label per node, of shape (3,) (y.squeeze(1) is) (got (3, 1))",
        ),
        (torch.zeros(3), "f: 'y' must be of an integer dtype (got torch.float32)"),
        (torch.tensor([0, -1, 1]), "f: 'y' must be classes numbered from 0 (got -1)"),
        (torch.tensor([0, 0, 0]), "f: 'y' must be labels of two classes or more (got 'one class')"),
        (
            torch.tensor([0, 10**12, 1]),
            "f: 'y' must be numbered without gaps (torch.unique(y, return_inverse=True)[1] does "
            "it) (got 'no node of class 2')",
        ),
    ],
)
def test_other_labels_are_refused(y, message):
    with pytest.raises(ValueError) as error:
        check_labels("f", y, 3)
    assert str(error.value) == message


def test_only_nodes_of_the_splits_need_a_label():
    y = torch.tensor([1, 0, -1, 0, -1])
    split = Split(torch.tensor([0]), torch.tensor([1]), torch.tensor([3]))
    assert torch.equal(check_labels("f", y, 5, [split]), y)
    assert torch.equal(check_labels("f", y, 5, ()), y)
    wider = Split(torch.tensor([0]), torch.tensor([1]), torch.tensor([3, 4]))
    with pytest.raises(
        ValueError, match=r"^f: 'y' must be classes numbered from 0 \(random splits"
    ):
        check_labels("f", y, 5, [split, wider])
    with pytest.raises(
        ValueError, match=r"^f: 'y' must be classes numbered from 0 \(a way\) \(got"
    ):
        check_labels("f", y, 5, remedy="a way")
    with pytest.raises(ValueError, match=r"^f: 'y' must be labels of two classes or more"):
        check_labels("f", torch.full((5,), -1), 5, ())

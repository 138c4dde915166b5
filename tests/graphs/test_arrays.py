import gzip
import io
import os
import pickle
import zipfile

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from gclkit.graphs import arrays as module
from gclkit.graphs.arrays import NpzFile, read_csr, read_npy, read_table


def save(array, *, version=None):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=version, allow_pickle=True)
    return buffer.getvalue()


class Payload:
    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@given(
    array=nps.arrays(
        st.sampled_from([np.int32, np.int64, np.float16, np.float32, np.float64, np.bool_, ">i4"]),
        nps.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5),
    ),
    fortran=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_reads_what_numpy_writes(array, fortran, tmp_path_factory):
    path = tmp_path_factory.mktemp("arrays") / "file"
    array = np.asfortranarray(array) if fortran else array
    np.savez(path.with_suffix(".npz"), a=array, b=np.arange(3))
    np.savez_compressed(path.with_suffix(".z.npz"), a=array)
    np.save(path.with_suffix(".npy"), array)
    for again in (
        NpzFile("test", path.with_suffix(".npz"))["a"],
        NpzFile("test", path.with_suffix(".z.npz"))["a"],
        read_npy("test", path.with_suffix(".npy")),
    ):
        assert again.dtype == array.dtype and again.shape == array.shape
        np.testing.assert_array_equal(again, array)
        assert again.flags.writeable


def test_an_archive_is_a_mapping(tmp_path):
    np.savez(tmp_path / "a.npz", first=np.arange(2), second=np.arange(3))
    file = NpzFile("test", tmp_path / "a.npz")
    assert list(file) == ["first", "second"] and len(file) == 2 and "third" not in file
    with pytest.raises(KeyError):
        file["third"]


def test_pickled_objects_are_refused_when_asked_for_and_never_executed(tmp_path):
    hostile = np.array([Payload(tmp_path / "executed")], dtype=object)
    np.savez(tmp_path / "a.npz", bad=hostile, good=np.arange(2))
    np.save(tmp_path / "a.npy", hostile)
    (tmp_path / "raw.npy").write_bytes(pickle.dumps(Payload(tmp_path / "executed")))
    file = NpzFile("test", tmp_path / "a.npz")
    assert file["good"].tolist() == [0, 1]
    rule = r"^test: 'source' must be a readable .np[zy] file without pickled objects \(got .*\)$"
    for call in (
        lambda: file["bad"],
        lambda: read_npy("test", tmp_path / "a.npy"),
        lambda: read_npy("test", tmp_path / "raw.npy"),
    ):
        with pytest.raises(ValueError, match=rule):
            call()
    assert not (tmp_path / "executed").exists()


def header(shape, descr="<f8", order=False):
    text = repr({"descr": descr, "fortran_order": order, "shape": shape})
    padded = text + " " * (117 - len(text)) + "\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded.encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        header((10**15,)),
        header((10**6, 10**6, 10**6, 10**6)),
        header((-4, -4)) + bytes(128),
        header((0,) * 9),
        header((2,), "|O") + bytes(16),
        header((2,), "|V0"),
        header((2,), [("a", "<f8")]) + bytes(16),
        header((3,)) + bytes(16),
        header(("x",)),
        header((1,), "<q9") + bytes(90),
        b"\x93NUMPY\x09\x00" + bytes(200),
        b"\x93NUMPY\x01\x00\xff\xff" + b"[" * 65535,
        save(np.arange(4))[:-8],
    ],
)
def test_announced_arrays_that_are_not_there_are_refused(content, tmp_path):
    (tmp_path / "a.npy").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", content)
    with pytest.raises(ValueError, match=r"^test: 'source' must be a readable .npy"):
        read_npy("test", tmp_path / "a.npy")
    with pytest.raises(ValueError, match=r"^test: 'source' must be a readable .npz"):
        NpzFile("test", tmp_path / "a.npz")["a"]


def test_an_archive_that_unpacks_beyond_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(10**6))
    monkeypatch.setattr(module, "memory_limit", lambda: 10**5)
    with pytest.raises(ValueError) as refusal:
        NpzFile("test", tmp_path / "a.npz")["a"]
    assert str(refusal.value) == (
        "test: 'source' must be a file that takes at most 100000 bytes in memory, half of what is"
        f" here (got '{tmp_path / 'a.npz'}: 8000128')"
    )
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"0,1\n" * 10**5))
    with pytest.raises(ValueError, match=r"^test: 'source' must be a file that takes at most"):
        read_table("test", tmp_path / "a.csv.gz", columns=2)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(FileNotFoundError) as refusal:
        read_npy("test", tmp_path / "a.npy")
    assert str(refusal.value) == f"test: no file '{tmp_path / 'a.npy'}'"
    with pytest.raises(OSError) as refusal:
        NpzFile("test", tmp_path)
    assert str(refusal.value) == f"test: '{tmp_path}' is not a file"


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


@pytest.mark.parametrize(
    "text, whole, weight",
    [
        ("0,1\n2,3\n", [[0, 1], [2, 3]], None),
        ("source,target\n0,1\n", [[0, 1]], None),
        ("# a comment\n\n0\t1\t0.5\n1\t2\t1e-3\n", [[0, 1], [1, 2]], [0.5, 0.001]),
        ("%%MatrixMarket\n0 1\r\n  5   7\r\n", [[0, 1], [5, 7]], None),
        ("\ufeff0,1\n", [[0, 1]], None),
        ("0, 1 ,2.5\n", [[0, 1]], [2.5]),
        (f"0,{2**62 + 1}\n", [[0, 2**62 + 1]], None),
        ("", [], None),
        ("source,target\n", [], None),
    ],
)
def test_tables(text, whole, weight, tmp_path):
    (tmp_path / "a.csv").write_bytes(text.encode())
    found, column = read_table("test", tmp_path / "a.csv", columns=2, weights=True)
    assert found.tolist() == whole and found.shape == (len(whole), 2)
    assert (None if column is None else column.tolist()) == weight


@pytest.mark.parametrize(
    "text", ["0,1.5\n", "0,a\n", "0\n", "0,1,2,3\n", "0,1\n2\n", "0,1\n0,1,2\n", f"0,{2**63}\n"]
)
def test_tables_that_hold_something_else(text, tmp_path):
    (tmp_path / "a.csv").write_text(text)
    rule = r"^test: 'source' must be a text file with 2 whole numbers in each line \(got .*\)$"
    with pytest.raises(ValueError, match=rule):
        read_table("test", tmp_path / "a.csv", columns=2, weights=True)


@pytest.mark.parametrize("content", [b"\xff\xfe0\x00,\x001\x00", b"0,1\n\xc3\x28,2\n", b"\x00\x00"])
def test_bytes_that_are_no_text(content, tmp_path):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ValueError, match=r"^test: 'source' must be a text file"):
        read_table("test", tmp_path / "a.csv", columns=2)


def test_a_damaged_gzip_file(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"0,1\n" * 99)[:-9])
    with pytest.raises(ValueError, match=r"^test: 'source' must be a text file"):
        read_table("test", tmp_path / "a.csv.gz", columns=2)


def test_errors_of_the_decoders_that_look_like_refusals(tmp_path, monkeypatch):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"0,1\n"))

    def fail(path):
        raise ValueError("test: odd")

    monkeypatch.setattr(gzip, "open", fail)
    with pytest.raises(ValueError, match=r"^test: 'source' must be a text file .*test: odd"):
        read_table("test", tmp_path / "a.csv.gz", columns=2)

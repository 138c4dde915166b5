import io
import os
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from gclkit.graphs.npz import NpzFile, read_npy


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
    monkeypatch.setattr("gclkit.graphs.memory_limit.memory_limit", lambda: 10**5)
    with pytest.raises(ValueError) as refusal:
        NpzFile("test", tmp_path / "a.npz")["a"]
    assert str(refusal.value) == (
        "test: 'source' must be a file that takes at most 100000 bytes in memory, half of what is"
        f" here (got '{tmp_path / 'a.npz'}: 8000128')"
    )

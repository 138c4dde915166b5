import pytest

from gclkit.graphs.memory_limit import check_file, check_size, memory_limit
from gclkit.graphs.npz import NpzFile, read_npy


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(FileNotFoundError) as refusal:
        read_npy("test", tmp_path / "a.npy")
    assert str(refusal.value) == f"test: no file '{tmp_path / 'a.npy'}'"
    with pytest.raises(OSError) as refusal:
        NpzFile("test", tmp_path)
    assert str(refusal.value) == f"test: '{tmp_path}' is not a file"


def test_a_file_that_grows_beyond_memory_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_bytes(bytes(50))
    assert 0 < memory_limit() and check_file("test", path, growth=3) == path
    monkeypatch.setattr("gclkit.graphs.memory_limit.memory_limit", lambda: 120)
    check_size("test", path, 120)
    with pytest.raises(ValueError) as refusal:
        check_file("test", path, growth=3)
    rule = "a file that takes at most 120 bytes in memory, half of what is here"
    assert str(refusal.value) == f"test: 'source' must be {rule} (got '{path}: 150')"

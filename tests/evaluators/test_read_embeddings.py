import pickle

import numpy as np
import pytest
import torch

from gclkit.evaluators import read_embeddings


class Planted:
    def __reduce__(self):
        return (open, ("planted", "w"))


def test_reads_what_numpy_and_torch_write(tmp_path):
    z = torch.randn(7, 3)
    np.save(tmp_path / "z.npy", z.numpy())
    torch.save(z, tmp_path / "z.pt")
    torch.save({"embeddings": z, "epoch": 3}, tmp_path / "dict.pt")
    np.save(tmp_path / "big.npy", z.numpy().astype(">f4"))
    for name in ("z.npy", "z.pt", "dict.pt", "big.npy"):
        assert torch.equal(read_embeddings(tmp_path / name, 7), z)


def test_nothing_is_executed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw.pt").write_bytes(pickle.dumps(Planted()))
    torch.save({"z": Planted()}, tmp_path / "zip.pt")
    np.save(tmp_path / "object.npy", np.array([Planted()], dtype=object), allow_pickle=True)
    (tmp_path / "raw.npy").write_bytes(pickle.dumps(Planted()))
    for name in ("raw.pt", "zip.pt", "object.npy", "raw.npy"):
        with pytest.raises(ValueError) as error:
            read_embeddings(tmp_path / name)
        assert "without pickled objects" in str(error.value)
        assert "\n" not in str(error.value)
    assert not (tmp_path / "planted").exists()


def test_other_content_is_refused_in_one_line(tmp_path):
    np.save(tmp_path / "text.npy", np.array(["a", "b"]))
    np.save(tmp_path / "flat.npy", np.arange(4.0))
    np.save(tmp_path / "nan.npy", np.full((4, 2), np.nan))
    np.save(tmp_path / "good.npy", np.ones((4, 2)))
    torch.save([1, 2], tmp_path / "list.pt")
    (tmp_path / "empty.pt").write_bytes(b"")
    (tmp_path / "z.csv").write_text("1,2")
    for name, rows, part in (
        ("text.npy", None, "'z' must be real numbers (got dtype('<U1'))"),
        ("flat.npy", None, "a matrix of one row per node"),
        ("nan.npy", None, "finite (got '8 of 8 entries NaN or infinite')"),
        ("good.npy", 5, "of 5 rows, one per node (got (4, 2))"),
        ("list.pt", None, "a dict with one under 'embeddings' or 'z'"),
        ("empty.pt", None, "without pickled objects"),
        ("z.csv", None, "a file ending in .npy, .pt or .pth"),
    ):
        with pytest.raises(ValueError) as error:
            read_embeddings(tmp_path / name, rows)
        assert part in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(OSError):
        read_embeddings(tmp_path / "missing.npy")
    with pytest.raises(OSError):
        read_embeddings(tmp_path / "missing.pt")

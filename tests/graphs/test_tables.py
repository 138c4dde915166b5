import gzip

import pytest

from gclkit.graphs.tables import read_table


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


def test_a_file_that_unpacks_beyond_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("gclkit.graphs.memory_limit.memory_limit", lambda: 10**5)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"0,1\n" * 10**5))
    with pytest.raises(ValueError, match=r"^test: 'source' must be a file that takes at most"):
        read_table("test", tmp_path / "a.csv.gz", columns=2)

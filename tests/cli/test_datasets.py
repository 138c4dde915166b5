import subprocess
import sys
import time

import pytest

from gclkit.cli.main import main
from gclkit.graphs import list_datasets


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("GCLKIT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def test_lists_every_name_and_what_is_on_disk(tmp_path, capsys):
    folder = tmp_path / "Photo" / "raw"
    folder.mkdir(parents=True)
    (folder / "amazon_electronics_photo.npz").write_bytes(b"")
    assert main(["datasets", "--root", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split()[0]: line for line in lines[1:-1]}
    assert list(rows) == list_datasets()
    assert rows["photo"].split() == ["photo", "7,650", "238,162", "745", "8", "on", "disk"]
    assert rows["cora"].endswith("-") and rows["digits"].endswith("embedded")
    assert lines[-1] == f"folder: {tmp_path}"


def test_measures_a_graph(capsys):
    assert main(["datasets", "sbm"]) == 0
    out = capsys.readouterr().out
    assert "nodes        2,000 (" in out and "classes      8, of 250 to 250 nodes" in out


def test_an_unknown_name_is_one_line(capsys):
    assert main(["datasets", "kora"]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and "'cora'" in captured.err


def test_help_answers_at_once_with_an_example():
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "gclkit", "datasets", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "example: gclkit datasets" in done.stdout
    assert "torch" not in done.stderr and "numpy" not in done.stderr
    assert time.perf_counter() - start < 5

import subprocess
import sys
import time

import numpy as np
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


def test_measures_by_hand(tmp_path, capsys):
    edges, x = [[0, 1, 1], [1, 2, 3]], [[1, 0], [0, 0], [2, 3], [0, 4], [0, 0], [0, 0]]
    np.savez(tmp_path / "g.npz", edge_index=edges, x=np.array(x, dtype=float))
    assert main(["datasets", str(tmp_path / "g.npz")]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines[-6:-1] == [
        "nodes        6 (2 isolated)",
        "edges        6 directed, 3 undirected",
        "degree       1.0 mean, 3 largest",
        "features     2, 33.3% not zero",
        "public split no",
    ]


@pytest.mark.parametrize(
    ("y", "classes", "homophily"),
    [
        ([0, 0, 1, -1, 1], "2, of 2 to 2 nodes, 1 unknown", "0.50 of the edges join equal classes"),
        ([0, -1, 1, -1, 1], "2, of 1 to 2 nodes, 2 unknown", None),
        ([-1, -1, -1, -1, -1], "none is known", None),
    ],
)
def test_unknown_classes_are_left_out(tmp_path, capsys, y, classes, homophily):
    edges = [[0, 1, 2, 3], [1, 2, 3, 4]]
    np.savez(tmp_path / "g.npz", edge_index=edges, x=np.eye(5), y=y)
    assert main(["datasets", str(tmp_path / "g.npz")]) == 0
    lines = dict(line.strip().split(None, 1) for line in capsys.readouterr().out.splitlines()[1:])
    assert lines["classes"] == classes and lines.get("homophily") == homophily


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

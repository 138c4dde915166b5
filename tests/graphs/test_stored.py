import multiprocessing
import os
import pickle
import shutil
import time

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from gclkit.graphs import load
from gclkit.graphs import pyg_datasets as pyg
from gclkit.graphs import stored as module
from gclkit.graphs.datasets import DATASETS

NODES, FEATURES = 12, 7
SMALL = DATASETS["photo"]._replace(nodes=NODES, edges=2 * NODES, features=FEATURES, classes=3)
RAW = "Photo/raw/amazon_electronics_photo.npz"


def write_raw(path, nodes=NODES):
    at = np.arange(nodes)
    parts = {
        "adj": sp.csr_matrix((np.ones(nodes), (at, (at + 1) % nodes)), shape=(nodes, nodes)),
        "attr": sp.csr_matrix(np.arange(nodes * FEATURES).reshape(nodes, FEATURES) % 4),
    }
    arrays = {"labels": at % 3}
    for name, matrix in parts.items():
        arrays |= {
            f"{name}_{part}": getattr(matrix, part) for part in ("data", "indices", "indptr")
        }
        arrays[f"{name}_shape"] = np.array(matrix.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A root whose 'photo' is twelve nodes on a ring, and a cache beside it."""
    monkeypatch.setitem(DATASETS, "photo", SMALL)
    monkeypatch.setenv("GCLKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pyg, "_knock", lambda address: None)
    root = tmp_path / "root"
    write_raw(root / RAW)
    return root


@pytest.fixture
def downloads(monkeypatch, tmp_path):
    """A stand-in for the network: each download takes the next of these files, or errors."""
    served = []

    def serve(url, folder, *_, **__):
        item = served.pop(0)
        if isinstance(item, Exception):
            raise item
        os.makedirs(folder, exist_ok=True)
        shutil.copy(item, os.path.join(folder, url.rpartition("/")[2]))

    monkeypatch.setattr("torch_geometric.datasets.amazon.download_url", serve)
    return served


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def read(root, **options):
    return load("photo", root=root, log=None, **options)


def test_the_processed_copy_lies_beside_the_raw_files(small, tmp_path):
    first = read(small)
    assert first.num_nodes == NODES and first.num_edges == 2 * NODES
    (copy,) = (small / "Photo/processed").iterdir()
    assert copy.name.startswith("gclkit-Photo-") and not (tmp_path / "cache").exists()
    assert files(small) == sorted([RAW, f"Photo/processed/{copy.name}"])
    again = read(small)
    assert torch.equal(first.x, again.x) and torch.equal(first.edge_index, again.edge_index)


def test_a_copy_saves_reading_the_raw_files_again(small, monkeypatch):
    first = read(small)
    monkeypatch.setattr(pyg, "build", lambda *_: pytest.fail("read again"))
    assert torch.equal(read(small).x, first.x)


def test_beside_a_read_only_folder_nothing_is_written(small, tmp_path):
    before = files(small)
    (small / "Photo").chmod(0o555)
    read(small)
    read(small)
    (small / "Photo").chmod(0o755)
    assert files(small) == before
    assert [name.startswith("processed/gclkit-Photo") for name in files(tmp_path / "cache")] == [
        True
    ]


def test_without_any_place_for_a_copy_the_graph_is_still_read(small, tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("GCLKIT_CACHE", str(blocked))
    (small / "Photo").chmod(0o555)
    lines = []
    data = load("photo", root=small, log=lines.append)
    (small / "Photo").chmod(0o755)
    assert data.num_nodes == NODES
    assert lines[0].startswith("photo: no processed copy kept, '")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a file", b"\x80\x04K\x01."])
def test_a_damaged_copy_is_made_anew(small, content):
    first = read(small)
    (copy,) = (small / "Photo/processed").iterdir()
    copy.write_bytes(content)
    assert torch.equal(read(small).x, first.x)
    assert copy.stat().st_size > 100


def test_a_planted_pickle_in_a_copy_is_not_executed(small, tmp_path):
    class Payload:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    read(small)
    (copy,) = (small / "Photo/processed").iterdir()
    torch.save({"x": Payload()}, copy)
    read(small)
    copy.write_bytes(pickle.dumps(Payload()))
    read(small)
    assert not (tmp_path / "executed").exists()


def test_changed_raw_files_are_not_answered_from_an_old_copy(small):
    read(small)
    write_raw(small / RAW, nodes=NODES + 1)
    with pytest.raises(OSError, match=r"13 nodes where 12 are expected"):
        read(small)


def test_absent_files_are_downloaded_and_put_in_place(small, downloads, tmp_path):
    downloads.append(small / RAW)
    root = tmp_path / "elsewhere"
    lines = []
    data = load("photo", root=root, log=lines.append)
    assert data.num_nodes == NODES
    assert lines[0] == f"photo: downloading to '{root / 'Photo'}'"
    assert [path.name for path in root.iterdir()] == ["Photo"]
    assert files(root)[-1] == RAW and len(files(root)) == 2


def test_a_truncated_download_is_removed_and_retried_once(small, downloads, tmp_path):
    half = tmp_path / "half"
    half.write_bytes((small / RAW).read_bytes()[:300])
    downloads += [half, small / RAW]
    assert read(tmp_path / "elsewhere").num_nodes == NODES and not downloads


def test_a_download_that_is_wrong_twice_leaves_nothing(small, downloads, tmp_path):
    write_raw(tmp_path / "other.npz", nodes=NODES + 3)
    downloads += [tmp_path / "other.npz", tmp_path / "other.npz", small / RAW]
    root = tmp_path / "elsewhere"
    with pytest.raises(ValueError) as refusal:
        read(root)
    assert str(refusal.value) == (
        "load: photo was downloaded twice and its files are damaged"
        " (15 nodes where 12 are expected)"
    )
    assert len(downloads) == 1 and not root.exists()


@pytest.mark.parametrize("error", [OSError("cut off"), TimeoutError("too slow")])
def test_an_interrupted_download_is_one_line_and_leaves_nothing(small, downloads, tmp_path, error):
    downloads.append(error)
    root = tmp_path / "elsewhere"
    with pytest.raises(OSError) as refusal:
        read(root)
    assert str(refusal.value) == (
        f"load: photo is not in '{root}' and cannot be downloaded ({error})"
    )
    assert not root.exists()


def test_ctrl_c_in_a_download_leaves_nothing(small, monkeypatch, tmp_path):
    def interrupt(url, folder):
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "half"), "w") as file:
            file.write("half")
        raise KeyboardInterrupt

    monkeypatch.setattr("torch_geometric.datasets.amazon.download_url", interrupt)
    root = tmp_path / "elsewhere"
    root.mkdir()
    with pytest.raises(KeyboardInterrupt):
        read(root)
    assert files(root) == [] and list(root.iterdir()) == []


def test_damaged_raw_files_are_replaced_by_verified_ones(small, downloads, tmp_path):
    good = tmp_path / "good.npz"
    shutil.copy(small / RAW, good)
    (small / RAW).write_bytes(good.read_bytes()[:200])
    downloads.append(good)
    assert read(small).num_nodes == NODES
    assert (small / RAW).read_bytes() == good.read_bytes()
    assert not [name for name in os.listdir(small) if name.startswith(".gclkit")]


def test_damaged_raw_files_stay_where_no_new_ones_can_be_had(small, downloads):
    (small / RAW).write_bytes(b"damaged")
    downloads.append(OSError("no network"))
    with pytest.raises(OSError) as refusal:
        read(small)
    sentence = str(refusal.value)
    assert sentence.startswith(f"load: photo is not in '{small}' and cannot be downloaded (no net")
    assert "its files are damaged" in sentence and "\n" not in sentence
    assert (small / RAW).read_bytes() == b"damaged" and files(small) == [RAW]


def test_a_folder_that_cannot_be_written_is_one_line(small, tmp_path):
    root = tmp_path / "locked"
    root.mkdir()
    root.chmod(0o555)
    with pytest.raises(OSError) as refusal:
        read(root)
    assert str(refusal.value) == f"load: photo is not in '{root}', which cannot be written"
    with pytest.raises(OSError, match="which cannot be written"):
        read(small / RAW)


def test_a_silent_host_is_given_up_within_seconds(small, monkeypatch, tmp_path):
    monkeypatch.undo()  # The real knock, at an address that no network knows.
    monkeypatch.setenv("GCLKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(pyg._ADDRESS, "Amazon", "http://gclkit.invalid/")
    start = time.perf_counter()
    with pytest.raises(OSError, match=r"^load: photo is not in '.*' and cannot be downloaded \("):
        read(tmp_path / "elsewhere")
    assert time.perf_counter() - start < 15


def test_leftovers_of_a_killed_process_are_swept_after_a_day(small):
    (small / "Photo/processed").mkdir()
    old, young = small / "Photo/processed/.gclkit-old", small / "Photo/processed/.gclkit-young"
    for folder in (old, young):
        (folder / "inside").mkdir(parents=True)
    past = time.time() - module.SECONDS_BEFORE_SWEEP - 60
    os.utime(old, (past, past))
    read(small)
    assert not old.exists() and young.exists()


def _read_in_a_process(root, cache, barrier, answers):
    os.environ["GCLKIT_CACHE"] = cache
    DATASETS["photo"] = SMALL
    barrier.wait()
    data = read(root)
    answers.put((data.num_nodes, float(data.x.sum())))


def test_processes_that_prepare_one_dataset_at_once_do_not_collide(small, tmp_path):
    context = multiprocessing.get_context("fork")
    barrier, answers = context.Barrier(4), context.Queue()
    arguments = (small, str(tmp_path / "cache"), barrier, answers)
    workers = [context.Process(target=_read_in_a_process, args=arguments) for _ in range(4)]
    for worker in workers:
        worker.start()
    results = {answers.get(timeout=60) for _ in workers}
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert len(results) == 1
    assert len(files(small)) == 2


def test_a_planetoid_file_that_asks_for_more_than_arrays_is_refused(
    tmp_path, monkeypatch, data_root
):
    class Payload:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    monkeypatch.setenv("GCLKIT_CACHE", str(tmp_path / "cache"))
    shutil.copytree(data_root / "Cora/raw", tmp_path / "root/Cora/raw")
    path = tmp_path / "root/Cora/raw/ind.cora.graph"
    path.chmod(0o644)
    path.write_bytes(pickle.dumps(Payload()))
    for folder in (tmp_path / "root", tmp_path / "root/Cora"):
        folder.chmod(0o555)
    with pytest.raises(OSError, match=r"a pickle that asks for posix.mkdir") as refusal:
        load("cora", root=tmp_path / "root", log=None)
    assert "\n" not in str(refusal.value) and not (tmp_path / "executed").exists()

import gzip
import json
import shutil
import zipfile

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch_geometric import datasets
from torch_geometric.transforms import NormalizeFeatures

from gclkit.graphs import load, public_split
from gclkit.graphs.datasets import DATASETS


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GCLKIT_CACHE", str(tmp_path / "cache"))


def dense(x):
    return x.to_dense() if x.layout == torch.sparse_csr else x


@pytest.mark.parametrize(
    "name",
    [
        "cora",
        "citeseer",
        "photo",
        pytest.param("computers", marks=pytest.mark.slow),
        pytest.param("cs", marks=pytest.mark.slow),
    ],
)
def test_gives_what_pyg_gives(name, data_root, tmp_path):
    info = DATASETS[name]
    shutil.copytree(data_root / info.folder, tmp_path / "root" / info.folder)
    for folder in (tmp_path / "root").rglob("*"):
        folder.chmod(0o755)
    theirs = getattr(datasets, info.origin)(str(tmp_path / "root"), info.folder)[0]
    mine = load(name, root=data_root, prepare=False, log=None)
    assert torch.equal(dense(mine.x), theirs.x)
    assert torch.equal(mine.edge_index, theirs.edge_index) and torch.equal(mine.y, theirs.y)
    prepared = load(name, root=data_root, log=None)
    torch.testing.assert_close(dense(prepared.x), NormalizeFeatures()(theirs).x, rtol=0, atol=1e-7)


def announce(monkeypatch, name, **counts):
    monkeypatch.setitem(DATASETS, name, DATASETS[name]._replace(**counts))


def test_attributed_graphs_in_their_raw_layout(tmp_path, monkeypatch):
    announce(monkeypatch, "flickr", nodes=4, edges=5, features=3, classes=2)
    raw = tmp_path / "flickr/raw"
    raw.mkdir(parents=True)
    x = np.array([[0, 2, 0], [1, 0, 0], [0, 0, 0], [0, 3, 1]], dtype=np.float32)
    sp.save_npz(raw / "attrs.npz", sp.csr_matrix(x))
    (raw / "edgelist.txt").write_text("0\t1\n1\t0\n2\t1\n1\t2\n3\t0\n")
    (raw / "labels.txt").write_text("0\t2\n1\t1\n2\t1\n3\t2\n")
    data = load("flickr", root=tmp_path, prepare=False, log=None)
    assert data.x.tolist() == x.tolist() and data.y.tolist() == [1, 0, 0, 1]
    assert data.edge_index.tolist() == [[0, 1, 2, 1, 3], [1, 0, 1, 2, 0]]


def arxiv_files():
    return {
        "raw/edge.csv.gz": "0,1\n1,2\n3,0\n",
        "raw/node-feat.csv.gz": "0.5,-1.0\n0.25,2.0\n0.0,0.0\n1.5,3.0\n",
        "raw/node-label.csv.gz": "1\n0\n2\n1\n",
        "split/time/train.csv.gz": "3\n",
        "split/time/valid.csv.gz": "0\n2\n",
        "split/time/test.csv.gz": "1\n",
    }


def check_arxiv(data):
    assert data.edge_index.tolist() == [[0, 0, 1, 1, 2, 3], [1, 3, 0, 2, 1, 0]]
    assert data.x.tolist() == [[0.5, -1.0], [0.25, 2.0], [0.0, 0.0], [1.5, 3.0]]
    assert [part.tolist() for part in public_split(data)] == [[3], [0, 2], [1]]
    assert data.y.tolist() == [1, 0, 2, 1]


def test_arxiv_in_the_layout_of_ogb(tmp_path, monkeypatch):
    announce(monkeypatch, "ogbn-arxiv", nodes=4, edges=3, features=2, classes=3)
    for name, text in arxiv_files().items():
        path = tmp_path / "ogbn_arxiv" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text.encode()))
    check_arxiv(load("ogbn-arxiv", root=tmp_path, log=None))


def test_arxiv_is_unpacked_after_its_download(tmp_path, monkeypatch):
    announce(monkeypatch, "ogbn-arxiv", nodes=4, edges=3, features=2, classes=3)
    with zipfile.ZipFile(tmp_path / "arxiv.zip", "w") as archive:
        for name, text in arxiv_files().items():
            archive.writestr(f"arxiv/{name}", gzip.compress(text.encode()))

    def serve(url, folder):
        return shutil.copy(tmp_path / "arxiv.zip", folder)

    monkeypatch.setattr("gclkit.graphs.pyg_datasets._knock", lambda address: None)
    monkeypatch.setattr("gclkit.graphs.pyg_datasets.download_url", serve)
    check_arxiv(load("ogbn-arxiv", root=tmp_path / "root", log=None))
    folder = tmp_path / "root/ogbn_arxiv"
    assert sorted(path.name for path in folder.iterdir()) == ["processed", "raw", "split"]


def test_wikics_has_several_splits(tmp_path, monkeypatch):
    announce(monkeypatch, "wikics", nodes=4, features=2, classes=2)
    first = [True, False, False, False]
    content = {
        "features": [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6], [0.7, -0.8]],
        "labels": [0, 1, 1, 0],
        "links": [[1, 0], [0, 2], [], [1]],
        "train_masks": [first, first[::-1]],
        "val_masks": [[False, True, False, False]] * 2,
        "stopping_masks": [[False, True, False, False]] * 2,
        "test_mask": [False, False, True, False],
    }
    (tmp_path / "WikiCS/raw").mkdir(parents=True)
    (tmp_path / "WikiCS/raw/data.json").write_text(json.dumps(content))
    data = load("wikics", root=tmp_path, log=None)
    assert data.edge_index.tolist() == [[0, 1, 1, 1, 2, 3], [1, 0, 2, 3, 1, 1]]
    assert [part.tolist() for part in public_split(data, index=1)] == [[3], [1], [2]]


def test_dblp_with_pickled_names_beside_its_arrays(tmp_path, monkeypatch):
    announce(monkeypatch, "dblp", nodes=3, edges=4, features=2, classes=2)
    adjacency = sp.csr_matrix(np.array([[0, 1, 0], [0, 1, 1], [0, 0, 0]], dtype=np.float32))
    words = sp.csr_matrix(np.array([[2, 0], [0, 1], [1, 1]], dtype=np.float32))
    arrays = {"labels": np.array([0, 1, 1]), "idx_to_node": np.array({"0": "name"}, dtype=object)}
    for name, matrix in (("adj", adjacency), ("attr", words)):
        arrays |= {
            f"{name}_{part}": getattr(matrix, part) for part in ("data", "indices", "indptr")
        }
        arrays[f"{name}_shape"] = np.array(matrix.shape)
    (tmp_path / "dblp/raw").mkdir(parents=True)
    np.savez(tmp_path / "dblp/raw/dblp.npz", **arrays)
    data = load("dblp", root=tmp_path, log=None)
    assert data.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert data.x.tolist() == [[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from gclkit.graphs import load
from gclkit.testing.five_nodes import X, Y, adjacency, assert_five_nodes


def test_scipy_files_for_adjacency_and_features(tmp_path):
    sp.save_npz(tmp_path / "adjacency.npz", adjacency() * 2)
    sp.save_npz(tmp_path / "x.npz", sp.csr_matrix(X))
    np.save(tmp_path / "y.npy", Y)
    files = {"features": tmp_path / "x.npz", "labels": str(tmp_path / "y.npy")}
    assert_five_nodes(load(tmp_path / "adjacency.npz", log=None, **files), weights=[2.0] * 6)


@pytest.mark.parametrize(
    "name, text",
    [
        ("edges.csv", "source,target\n0,1\n1,2\n3,2\n0,1\n2,2\n"),
        ("edges.tsv", "0\t1\n1\t2\n3\t2\n0\t1\n2\t2\n"),
        ("edges.txt", "# by hand\n0 1\n1 2\n3 2\n0 1\n2 2\n"),
    ],
)
def test_edge_lists(name, text, tmp_path):
    (tmp_path / name).write_text(text)
    np.save(tmp_path / "x.npy", X)
    (tmp_path / "y.txt").write_text("".join(f"{label}\n" for label in Y))
    files = {"features": str(tmp_path / "x.npy"), "labels": tmp_path / "y.txt"}
    assert_five_nodes(load(str(tmp_path / name), log=None, **files))


def test_edge_list_with_weights_and_arrays_in_memory(tmp_path):
    (tmp_path / "edges.csv").write_text("0,1,0.5\n1,2,2\n3,2,1.25\n0,1,0.25\n2,2,9\n")
    data = load(tmp_path / "edges.csv", features=X, labels=torch.from_numpy(Y), log=None)
    assert_five_nodes(data, weights=[0.75, 0.75, 2.0, 2.0, 1.25, 1.25])


def test_without_features_only_on_request(tmp_path):
    (tmp_path / "edges.csv").write_text("0,1\n1,2\n")
    data = load(tmp_path / "edges.csv", require_features=False, log=None)
    assert data.num_nodes == 3 and data.x is None
    with pytest.raises(ValueError) as refusal:
        load(tmp_path / "edges.csv", log=None)
    assert str(refusal.value) == "load: 'x' must be node features [n, f] (got None)"


@pytest.mark.parametrize(
    "files, sentence",
    [
        ({"features": "x.csv"}, "'features' must be an array, or a path ending in .npy or .npz"),
        ({"labels": "y.pt"}, "'labels' must be an array, or a path ending in .npy, .csv, .tsv"),
    ],
)
def test_other_endings_of_arrays(files, sentence, tmp_path):
    (tmp_path / "edges.csv").write_text("0,1\n1,2\n")
    with pytest.raises(ValueError) as refusal:
        load(tmp_path / "edges.csv", log=None, **files)
    assert str(refusal.value).startswith(f"load: {sentence}")

import numpy as np

from gclkit.cli.run_graph import dataset_section, load_graph
from gclkit.graphs import dataset_hash
from gclkit.training import RunConfig
from gclkit.training.run_settings import RunSettings


def test_the_graph_is_that_of_the_settings(tmp_path):
    np.savez(tmp_path / "own.npz", edge_index=np.array([[0, 1, 1], [1, 2, 3]]), x=np.eye(4))
    np.save(tmp_path / "x.npy", 2 * np.eye(4)[:, :3])
    np.save(tmp_path / "y.npy", np.array([1, 0, 1, 0]))
    files = {"features": str(tmp_path / "x.npy"), "labels": str(tmp_path / "y.npy")}
    config = RunConfig("grace", str(tmp_path / "own.npz"), run=RunSettings(**files))
    said = []
    data = load_graph(config, log=said.append)
    assert data.x.shape == (4, 3) and data.y.tolist() == [1, 0, 1, 0] and len(said) == 1
    assert dataset_section("own", data) == {
        "name": "own", "nodes": 4, "edges": 3, "hash": dataset_hash(data),
    }  # fmt: skip

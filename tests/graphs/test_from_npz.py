import numpy as np
import pytest
import scipy.sparse as sp

from gclkit.graphs import load
from gclkit.testing.five_nodes import EDGES, X, Y, adjacency, assert_five_nodes


def csr_parts(prefix, matrix):
    names = ("data", "indices", "indptr")
    arrays = {f"{prefix}_{name}": getattr(matrix, name) for name in names}
    return arrays | {f"{prefix}_shape": np.array(matrix.shape)}


@pytest.mark.parametrize(
    "arrays",
    [
        {"edge_index": EDGES.T, "x": X, "y": Y},
        {"edge_index": EDGES.T.astype(np.int32), "x": X, "y": Y, "num_nodes": np.array(5)},
        {"edges": EDGES.astype(np.uint64), "node_features": X, "node_labels": Y[:, None]},
        {"edge_index": EDGES.T, "labels": Y, **csr_parts("x", sp.csr_matrix(X))},
        {**csr_parts("adj", adjacency()), **csr_parts("attr", sp.csr_matrix(X)), "labels": Y},
    ],
)
def test_npz_layouts(arrays, tmp_path):
    np.savez(tmp_path / "graph.npz", **arrays)
    assert_five_nodes(load(tmp_path / "graph.npz", log=None))


def test_npz_with_weights_and_masks(tmp_path):
    masks = {name: np.eye(5, dtype=bool)[i] for i, name in enumerate(("train_mask", "val_mask"))}
    weight = np.array([2, 3, 4, 5, 6], dtype=np.int16)
    np.savez(tmp_path / "graph.npz", edge_index=EDGES.T, x=X, y=Y, edge_weight=weight, **masks)
    data = load(tmp_path / "graph.npz", log=None)
    assert_five_nodes(data, weights=[7.0, 7.0, 3.0, 3.0, 4.0, 4.0])
    assert data.train_mask.tolist() == [True, False, False, False, False]


@pytest.mark.parametrize(
    "arrays",
    [
        {"edge_index": EDGES.T, "num_nodes": np.array([7])},
        csr_parts("adj", sp.block_diag([adjacency(), np.zeros((2, 2))], format="csr")),
    ],
)
def test_nodes_without_features_or_edges_are_counted(arrays, tmp_path):
    np.savez(tmp_path / "graph.npz", **arrays)
    data = load(tmp_path / "graph.npz", require_features=False, log=None)
    assert data.x is None and data.num_nodes == 7


@pytest.mark.parametrize(
    "arrays, sentence",
    [
        (
            {"x": X},
            "'source' must be a file with 'edge_index', 'edges' or 'adj_indptr' (got ['x'])",
        ),
        ({"edge_index": EDGES.T + 0.5, "x": X}, "'edge_index' must be of an integer dtype"),
        ({"edge_index": EDGES.T - 1, "x": X}, "'edge_index' must be node indices from 0 to 4 (got"),
        ({"edge_index": EDGES.T + 2, "x": X}, "'edge_index' must be node indices from 0 to 4 (got"),
        ({"edge_index": np.zeros((2, 0), int), "x": X}, "'edge_index' must be a list of one edge"),
        ({"edge_index": EDGES, "x": X}, "'edge_index' must be of shape [2, e] (got (5, 2))"),
        (
            {"edge_index": np.full((2, 3), 2**63, np.uint64), "x": X},
            f"'edge_index' must be node indices below 2**63 (got {2**63})",
        ),
        (
            {"edge_index": EDGES.T, "x": X * np.nan},
            "'x' must be finite in float32 (got '10 of 10 entries",
        ),
        (
            {"edge_index": EDGES.T, "x": X, "y": Y[:3]},
            "'y' must be one label per node, of shape (5,)",
        ),
        (
            {"edge_index": EDGES.T, "x": X, "edge_weight": np.ones(3)},
            "'edge_weight' must be one weight per edge, of shape (5,) (got (3,))",
        ),
        (
            {"edge_index": EDGES.T, "x": X, "edge_weight": np.full(5, "a")},
            "'edge_weight' must be of a real dtype (got '<U1')",
        ),
        (
            {"edge_index": EDGES.T, "x": X, "edge_weight": np.full(5, 1e300)},
            "'edge_weight' must be finite in float32 (got '5 of 5 entries NaN or infinite')",
        ),
        (
            {"edge_index": EDGES.T, "x": X, "num_nodes": 7},
            "'num_nodes' must be 5, the number of feature rows (got 7)",
        ),
        (
            {"edge_index": EDGES.T, "x": X, "num_nodes": -7},
            "'num_nodes' must be an integer of at least 0 (got -7)",
        ),
        (
            {"edge_index": EDGES.T, "x": X, "train_mask": Y},
            "'train_mask' must be of a boolean dtype (got 'int64')",
        ),
        (
            {**csr_parts("adj", sp.csr_matrix(np.ones((2, 3))))},
            "'source' must be a file with a square adjacency (got (2, 3))",
        ),
    ],
)
def test_npz_refusals(arrays, sentence, tmp_path):
    np.savez(tmp_path / "graph.npz", **arrays)
    with pytest.raises(ValueError) as refusal:
        load(tmp_path / "graph.npz", log=None)
    assert str(refusal.value).startswith(f"load: {sentence}")

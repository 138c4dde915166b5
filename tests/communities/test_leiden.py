import numpy as np
import scipy.sparse as sp
from scipy.linalg import block_diag

from gclkit.communities.leiden import leiden


def test_isolated_nodes_are_alone_and_resolution_splits():
    blocks = block_diag(*[np.ones((6, 6)) - np.eye(6)] * 3, np.zeros((2, 2)))
    for a, b in [(0, 6), (6, 12)]:
        blocks[a, b] = blocks[b, a] = 1.0
    adjacency = sp.csr_matrix(blocks)
    membership = leiden(adjacency, seed=0, resolution=1.0)
    assert np.unique(membership).size == 5
    assert np.unique(membership[:6]).size == 1
    coarse = leiden(adjacency, seed=0, resolution=0.01)
    assert np.unique(coarse[:18]).size == 1

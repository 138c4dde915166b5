import numpy as np
import scipy.sparse as sp
from scipy.linalg import block_diag

from gclkit.communities.louvain import louvain


def test_resolution_runs_the_usual_way():
    blocks = block_diag(*[np.ones((5, 5)) - np.eye(5)] * 4)
    for a, b in [(0, 5), (5, 10), (10, 15)]:
        blocks[a, b] = blocks[b, a] = 1.0
    adjacency = sp.csr_matrix(blocks)
    few, many = (np.unique(louvain(adjacency, 0, r)).size for r in (1.0, 20.0))
    assert 4 == few < many

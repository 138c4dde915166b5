import numpy as np
import scipy.sparse as sp

from gclkit.communities.label_propagation import _row_argmax, label_propagation


def test_a_bipartite_star_comes_to_rest():
    star = sp.lil_matrix((7, 7))
    star[0, 1:] = 1.0
    star[1:, 0] = 1.0
    labels = label_propagation(star.tocsr(), seed=0, resolution=1.0)
    assert np.unique(labels).size == 1


def test_the_heavier_neighbour_wins_and_isolated_nodes_stay_alone():
    weights = sp.lil_matrix((5, 5))
    for a, b, w in [(0, 1, 5.0), (1, 2, 0.5), (2, 3, 5.0)]:
        weights[a, b] = weights[b, a] = w
    labels = label_propagation(weights.tocsr(), seed=1, resolution=1.0)
    assert labels[0] == labels[1] != labels[2] == labels[3]
    assert labels[4] == 4


def test_the_present_label_wins_ties_alone_however_many_vote():
    present = np.array([1, 1])
    assert _row_argmax(sp.csr_matrix([[50040.0, 50000.0], [0.0, 1.0]]), present).tolist() == [0, 1]
    assert _row_argmax(sp.csr_matrix([[50000.0, 50000.0], [0.0, 1.0]]), present).tolist() == [1, 1]

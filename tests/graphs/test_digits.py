import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from gclkit.graphs.digits import digits


def test_the_neighbours_of_a_definition():
    pixels = load_digits().data
    search = NearestNeighbors(n_neighbors=11, metric="cosine", algorithm="brute").fit(pixels)
    distance, nearest = search.kneighbors(pixels)
    data = digits()
    neighbours = [set() for _ in range(1797)]
    for u, v in data.edge_index.T.tolist():
        neighbours[u].add(v)
    for i in range(1797):
        # Those nearer than the tenth are certain; at the tenth there may be a tie.
        certain = {
            j for j, d in zip(nearest[i], distance[i], strict=True) if d < distance[i, -1] - 1e-9
        }
        assert certain - {i} <= neighbours[i]
    assert sum(map(len, neighbours)) == data.num_edges == 25070
    assert data.is_undirected() and not data.has_self_loops()


def test_pixels_and_classes_are_those_of_scikit_learn():
    data, images = digits(), load_digits()
    np.testing.assert_allclose(data.x.numpy() * 16, images.data)
    np.testing.assert_array_equal(data.y.numpy(), images.target)


def test_every_image_has_k_neighbours_or_more():
    data = digits(k=4)
    degree = data.edge_index[0].bincount(minlength=1797)
    assert int(degree.min()) == 4
    assert torch.equal(data.edge_index, digits(k=4).edge_index)


@pytest.mark.parametrize("k", [0, 1797, 2.5, "3"])
def test_refusals(k):
    with pytest.raises(ValueError) as refusal:
        digits(k=k)
    assert str(refusal.value).startswith("digits: 'k' must be ")

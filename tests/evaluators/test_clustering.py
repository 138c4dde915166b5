import pytest
import torch

from gclkit.evaluators import KMeansClustering


def make_blobs():
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(240) % 4
    length = 0.1 + 5 * torch.rand(240, 1, generator=generator)
    z = torch.eye(4)[y] + 0.15 * torch.randn(240, 4, generator=generator)
    return z * length, y


def test_unit_rows_find_directions_that_raw_rows_miss():
    z, y = make_blobs()
    assert KMeansClustering(normalize=True)(z, y).nmi > 0.9
    assert KMeansClustering()(z, y).nmi < 0.8


def test_graph_scores_are_there_with_edges_only():
    z, y = make_blobs()
    edge_index = torch.stack([torch.arange(236), torch.arange(236) + 4])
    edge_index = torch.cat([edge_index, edge_index.flip(0)], dim=1)
    scores = KMeansClustering(normalize=True)(z, y, edge_index)
    assert scores.modularity > 0.6 and scores.conductance < 0.2
    bare = KMeansClustering(normalize=True)(z, y)
    assert bare.modularity is None and bare.conductance is None
    assert bare.nmi == scores.nmi


def test_labels_are_read_for_scores_only():
    z, y = make_blobs()
    one = KMeansClustering()(z, y)
    shuffled = y[torch.randperm(240, generator=torch.Generator().manual_seed(1))]
    two = KMeansClustering()(z, shuffled)
    assert torch.equal(one.labels, two.labels) and one.nmi > two.nmi


def test_number_of_clusters_and_protocol():
    z, y = make_blobs()
    task = KMeansClustering(num_clusters=6, restarts=3, normalize=True)
    assert len(task(z, y).labels.unique()) == 6
    assert task.protocol == ("k-means on l2-normalized embeddings, k-means++, best of 3 restarts")


def test_seeds_are_scored_together_as_they_are_alone():
    z, y = make_blobs()
    z = z + torch.randn(240, 4, generator=torch.Generator().manual_seed(2))
    edge_index = torch.stack([torch.arange(236), torch.arange(236) + 4])
    together = KMeansClustering(restarts=1).score_seeds(z, y, edge_index, seeds=range(3))
    alone = [KMeansClustering(restarts=1, seed=seed)(z, y, edge_index) for seed in range(3)]
    assert together == alone and together[0] != together[1]


def test_collapsed_embeddings_are_scored():
    _, y = make_blobs()
    scores = KMeansClustering()(torch.ones(240, 3), y)
    assert scores.nmi < 0.2 and scores.inertia == 0.0


def test_refusals():
    z, y = make_blobs()
    with pytest.raises(ValueError) as error:
        KMeansClustering(restarts=0)
    assert str(error.value) == (
        "KMeansClustering: 'restarts' must be an integer of at least 1 (got 0)"
    )
    with pytest.raises(ValueError) as error:
        KMeansClustering()(z, y * 0)
    assert str(error.value) == (
        "KMeansClustering: 'y' must be labels of two classes or more (got 'one class')"
    )


@pytest.mark.parametrize(
    ("edge_index", "edge_weight", "sentence"),
    [
        ([[0, 1], [1, 0], [2, 3]], None, "'edge_index' must be of shape [2, e] (got (3, 2))"),
        ([[0, -1], [-1, 0]], None, "'edge_index' must be node indices from 0 to 239 (got -1)"),
        ([[0, 1], [1, 0]], [-1.0, 1.0], "'edge_weight' must be not negative (got -1.0)"),
        (
            [[0, 1], [1, 0]],
            [1.0],
            "'edge_weight' must be one weight per edge, of shape (2,) (got (1,))",
        ),
    ],
)
def test_edges_and_weights_are_checked(edge_index, edge_weight, sentence):
    weight = None if edge_weight is None else torch.tensor(edge_weight)
    with pytest.raises(ValueError) as error:
        KMeansClustering()(*make_blobs(), torch.tensor(edge_index), weight)
    assert str(error.value) == f"KMeansClustering: {sentence}"

import re

import numpy as np
import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.utils import coalesce, stochastic_blockmodel_graph, to_undirected

from gclkit.communities import Partition, community_strength, detect

ALGORITHMS = ["label_propagation", "leiden", "louvain"]


@pytest.fixture(scope="module")
def planted():
    torch.manual_seed(0)
    inside, outside = 0.6, 0.02
    rates = torch.full((4, 4), outside) + (inside - outside) * torch.eye(4)
    edge_index = stochastic_blockmodel_graph(torch.tensor([25] * 4), rates)
    return Data(edge_index=coalesce(to_undirected(edge_index)), num_nodes=101)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_finds_planted_communities(planted, algorithm):
    part = detect(planted, algorithm=algorithm, seed=3)
    assert part.membership.dtype == torch.int64 and part.membership.shape == (101,)
    assert part.num_communities == 5, "four planted ones and the isolated node"
    for c in range(4):
        assert part.membership[25 * c : 25 * (c + 1)].unique().numel() == 1
    strength = community_strength(planted.edge_index, part.membership)
    assert part.modularity == pytest.approx(float(strength.sum()))
    assert part.modularity > 0.6


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_seed_decides(planted, algorithm):
    first = detect(planted, algorithm=algorithm, seed=7).membership
    assert torch.equal(first, detect(planted, algorithm=algorithm, seed=7).membership)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_weights_count(algorithm):
    # A cycle of six: two heavy triples decide which edges stay inside.
    ring = torch.tensor([[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 0]])
    weight = torch.tensor([9.0, 9.0, 0.1, 9.0, 9.0, 0.1])
    data = Data(
        edge_index=torch.cat([ring, ring.flip(0)], 1), edge_weight=weight.repeat(2), num_nodes=6
    )
    membership = detect(data, algorithm=algorithm, seed=1).membership
    assert membership[0] == membership[1] and membership[3] == membership[4]
    assert membership[0] != membership[4]


def test_a_directed_graph_is_read_as_undirected(planted):
    half = planted.clone()
    half.edge_index = half.edge_index[:, half.edge_index[0] < half.edge_index[1]]
    both, one = detect(planted, seed=2), detect(half, seed=2)
    assert torch.equal(both.membership, one.membership)
    assert one.modularity == pytest.approx(both.modularity)


def test_takes_given_labels(planted):
    labels = torch.tensor([5, 5, 2] * 33 + [9, 9])
    part = detect(planted, algorithm=labels)
    assert part.num_communities == 3
    assert part.membership[:3].tolist() == [0, 0, 1] and part.membership[-1] == 2


def test_repr():
    assert (
        repr(Partition(torch.tensor([0, 1]), 2, 0.25))
        == "Partition(num_nodes=2, num_communities=2, modularity=0.2500)"
    )


def test_photo_in_time_and_quality(data_root):
    from gclkit.graphs import load

    part = detect(load("photo", root=data_root, log=None), seed=0)
    assert part.modularity >= 0.737


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"algorithm": "spectral"},
            "'algorithm' must be one of ['label_propagation', 'leiden', 'louvain'] "
            "(got 'spectral')",
        ),
        ({"seed": -1}, "'seed' must be an integer of at least 0 (got -1)"),
        ({"seed": 2**64}, f"'seed' must be a seed below 2^63 (got {2**64})"),
        (
            {"algorithm": "louvain", "seed": 2**32},
            f"'seed' must be a seed below 2^32 (got {2**32})",
        ),
        ({"resolution": 0.0}, "'resolution' must be a positive number (got 0.0)"),
        (
            {"algorithm": "louvain", "resolution": 0.3},
            "'resolution' must be at least 1 with 'louvain' ('leiden' takes any) (got 0.3)",
        ),
        (
            {"algorithm": np.zeros(101, dtype=np.int64)},
            "'algorithm' must be a name or a tensor of integer labels (got 'ndarray')",
        ),
        (
            {"algorithm": torch.tensor([0, 1])},
            "'algorithm' must be a name or a label for each of the 101 nodes (got (2,))",
        ),
        (
            {"algorithm": torch.zeros(101)},
            "'algorithm' must be a vector of integer labels (got 'torch.float32 of shape (101,)')",
        ),
    ],
)
def test_refusals(planted, options, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape('detect: ' + sentence)}$"):
        detect(planted, **options)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_without_edges_each_node_is_alone(algorithm):
    empty = Data(edge_index=torch.empty(2, 0, dtype=torch.int64), num_nodes=3)
    single = Data(edge_index=torch.zeros(2, 1, dtype=torch.int64), num_nodes=1)
    for data in (empty, single):
        part = detect(data, algorithm=algorithm)
        assert part.membership.tolist() == list(range(data.num_nodes)) and part.modularity == 0


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_refuses_weights_that_are_all_0(algorithm):
    edges = torch.tensor([[0, 1], [1, 0]])
    weightless = Data(edge_index=edges, edge_weight=torch.zeros(2), num_nodes=2)
    with pytest.raises(ValueError, match=r"^detect: 'edge_weight' must be positive"):
        detect(weightless, algorithm=algorithm)

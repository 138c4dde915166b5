import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gclkit.augmentations import (
    degree_centrality,
    eigenvector_centrality,
    lazy_walk_centrality,
    pagerank,
)
from gclkit.testing.graphs import random_graph

MEASURES = [degree_centrality, lazy_walk_centrality, pagerank, eigenvector_centrality]


def directed():
    """A chain into a triangle with a dead end, in one direction only."""
    return torch.tensor([[0, 1, 2, 3, 3], [1, 2, 3, 1, 4]])


def as_networkx(edge_index, num_nodes, weight):
    graph = nx.DiGraph()
    graph.add_nodes_from(range(num_nodes))
    graph.add_weighted_edges_from(zip(*edge_index.tolist(), weight.tolist(), strict=True))
    return graph


def test_degree_counts_what_enters():
    assert degree_centrality(directed(), 6).tolist() == [0, 2, 1, 1, 1, 0]
    weight = torch.tensor([0.5, 2.0, 3.0, 0.25, 7.0])
    assert degree_centrality(directed(), 6, edge_weight=weight).tolist() == [0, 0.75, 2, 3, 7, 0]


def test_lazy_walk_by_loops():
    edges, weight = directed(), torch.tensor([0.5, 2.0, 3.0, 0.25, 7.0]).double()
    mass = np.ones(6)
    for _ in range(3):
        out = np.bincount(edges[0], weights=weight, minlength=6)
        moved = np.zeros(6)
        for u, v, w in zip(*edges.tolist(), weight.tolist(), strict=True):
            moved[v] += mass[u] * w / out[u]
        mass = 0.3 * mass + 0.7 * moved
    ours = lazy_walk_centrality(edges, 6, steps=3, damping=0.7, edge_weight=weight)
    np.testing.assert_allclose(ours.numpy(), mass, rtol=1e-12)


def test_the_lazy_walk_ends_at_the_degrees():
    data = random_graph(40, seed=3)
    walk = lazy_walk_centrality(data.edge_index, 40, steps=600)
    degree = degree_centrality(data.edge_index, 40)
    torch.testing.assert_close(walk / walk.sum(), degree / degree.sum())


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), damping=st.floats(0.1, 0.95), weighted=st.booleans())
def test_pagerank_is_that_of_networkx(seed, damping, weighted):
    data = random_graph(15, weighted=True, seed=seed)
    keep = torch.rand(data.num_edges, generator=torch.Generator().manual_seed(seed)) < 0.5
    edges = data.edge_index[:, keep]
    weight = data.edge_weight[keep].double() if weighted else None
    ours = pagerank(edges, 17, damping=damping, edge_weight=weight)
    ones = torch.ones(edges.size(1))
    graph = as_networkx(edges, 17, ones if weight is None else weight)
    theirs = nx.pagerank(graph, alpha=damping, tol=1e-13, max_iter=1000)
    np.testing.assert_allclose(ours.numpy(), [theirs[v] for v in range(17)], atol=1e-9)
    assert abs(float(ours.sum()) - 1) < 1e-9


@pytest.mark.parametrize("num_nodes", [12, 80])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_eigenvector_leads(num_nodes, weighted):
    data = random_graph(num_nodes, weighted=weighted, mean_degree=6, seed=4)
    c = eigenvector_centrality(data.edge_index, num_nodes, edge_weight=data.get("edge_weight"))
    dense = torch.zeros(num_nodes, num_nodes, dtype=torch.float64)
    weight = data.edge_weight if weighted else torch.ones(data.num_edges)
    dense[data.edge_index[0], data.edge_index[1]] = weight.double()
    values, vectors = torch.linalg.eigh(dense)
    leading = vectors[:, -1] * vectors[:, -1].sum().sign()
    torch.testing.assert_close(c, leading, atol=1e-8, rtol=0)
    assert values[-1] > values[:-1].abs().max() * 0.99


def test_the_eigenvector_of_a_directed_graph_follows_the_edges():
    generator = torch.Generator().manual_seed(0)
    dense = (torch.rand(50, 50, generator=generator) < 0.2).double()
    c = eigenvector_centrality(dense.nonzero().T.contiguous(), 50)
    value = (dense.T @ c)[0] / c[0]
    torch.testing.assert_close(dense.T @ c, value * c, atol=1e-8, rtol=0)
    assert c.sum() > 0 and abs(float(c.norm()) - 1) < 1e-12


def test_an_eigenvector_that_cannot_be_told_apart_is_approximated():
    at = torch.arange(4000)
    path = torch.stack([torch.cat([at[:-1], at[1:]]), torch.cat([at[1:], at[:-1]])])
    c = eigenvector_centrality(path, 4000)
    assert c.isfinite().all() and c[2000] > c[10] > c[0] > 0
    assert torch.equal(c, eigenvector_centrality(path, 4000))


@pytest.mark.parametrize("measure", MEASURES)
def test_weights_of_nothing(measure):
    edges = random_graph(40).edge_index
    c = measure(edges, 40, edge_weight=torch.zeros(edges.size(1)))
    assert c.shape == (40,) and c.dtype == torch.float64 and c.isfinite().all()


@pytest.mark.parametrize("measure", MEASURES)
def test_refusals_of_graphs(measure):
    owner = measure.__name__
    for options, sentence in [
        ({"num_nodes": 3}, "'edge_index' must be node indices from 0 to 2 (got 4)"),
        ({"num_nodes": 0}, "'num_nodes' must be an integer of at least 1 (got 0)"),
        (
            {"num_nodes": 5, "edge_weight": torch.ones(3)},
            "'edge_weight' must be one weight per edge, of shape (5,) (got (3,))",
        ),
        (
            {"num_nodes": 5, "edge_weight": torch.full((5,), -1.0)},
            "'edge_weight' must be not negative (got -1.0)",
        ),
    ]:
        with pytest.raises(ValueError) as error:
            measure(directed(), **options)
        assert str(error.value) == f"{owner}: {sentence}"


def test_refusals_of_settings():
    for call, sentence in [
        (
            lambda: lazy_walk_centrality(directed(), 5, steps=-1),
            "lazy_walk_centrality: 'steps' must be an integer of at least 0 (got -1)",
        ),
        (
            lambda: lazy_walk_centrality(directed(), 5, damping=1.5),
            "lazy_walk_centrality: 'damping' must be a probability in [0, 1] (got 1.5)",
        ),
        (
            lambda: pagerank(directed(), 5, damping=-0.1),
            "pagerank: 'damping' must be a probability in [0, 1] (got -0.1)",
        ),
        (
            lambda: pagerank(directed(), 5, tolerance=0.0),
            "pagerank: 'tolerance' must be a positive number (got 0.0)",
        ),
    ]:
        with pytest.raises(ValueError) as error:
            call()
        assert str(error.value) == sentence

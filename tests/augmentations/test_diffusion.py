import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data

from gclkit.augmentations import Diffusion, diffusion_view, personalized_pagerank
from gclkit.testing.graphs import huge_graph, random_graph


def by_inverse(data, alpha, threshold=0.0):
    """The definition, dense: S, and the row sums of the walk."""
    n = data.num_nodes
    adjacency = torch.eye(n, dtype=torch.float64)
    weight = data.get("edge_weight")
    weight = torch.ones(data.num_edges) if weight is None else weight
    adjacency[data.edge_index[0], data.edge_index[1]] += weight.double()
    root = adjacency.sum(dim=1) ** -0.5
    normalized = root[:, None] * adjacency * root
    diffused = alpha * torch.linalg.inv(torch.eye(n) - (1 - alpha) * normalized)
    return torch.where(diffused >= threshold, diffused, 0.0)


def as_dense(column, value):
    dense = torch.zeros(len(column), len(column), dtype=value.dtype)
    return dense.scatter_add(1, column, value)


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(3, 14),
    alpha=st.floats(0.05, 0.9),
    weighted=st.booleans(),
    block_rows=st.integers(1, 6),
)
def test_is_the_inverse(seed, n, alpha, weighted, block_rows):
    data = random_graph(n, weighted=weighted, seed=seed)
    column, value = personalized_pagerank(
        data.edge_index,
        n,
        alpha=alpha,
        top_k=n,
        tolerance=1e-13,
        edge_weight=data.get("edge_weight"),
        block_rows=block_rows,
    )
    dense = as_dense(column, value)
    torch.testing.assert_close(dense, by_inverse(data, alpha), atol=1e-9, rtol=0)


def test_never_too_large_and_too_small_by_what_was_given_up():
    data = random_graph(60, mean_degree=6, seed=1)
    exact = by_inverse(data, 0.2)
    degree = torch.bincount(data.edge_index[0], minlength=60) + 1.0
    walk = degree[:, None] ** -0.5 * exact * degree**0.5  # Rows of mass 1.
    column, value = personalized_pagerank(data.edge_index, 60, alpha=0.2, top_k=60, tolerance=1e-3)
    ours = degree[:, None].double() ** -0.5 * as_dense(column, value) * degree.double() ** 0.5
    given_up = 1 - ours.sum(dim=1, keepdim=True)
    assert (given_up > 1e-3).any() and (given_up < 0.5).all()
    assert (ours <= walk + 1e-12).all() and (walk - ours <= given_up + 1e-12).all()


@pytest.mark.parametrize("k", [1, 4, 9])
def test_keeps_the_largest_of_each_row(k):
    data = random_graph(30, seed=2)
    column, value = personalized_pagerank(
        data.edge_index, 30, alpha=0.3, top_k=k, tolerance=1e-12, block_rows=7
    )
    top = by_inverse(data, 0.3).topk(k, dim=1).values
    assert column.shape == value.shape == (30, k)
    torch.testing.assert_close(value, top, atol=1e-9, rtol=0)
    gathered = by_inverse(data, 0.3).gather(1, column)
    torch.testing.assert_close(gathered, value, atol=1e-9, rtol=0)


def test_what_is_below_the_threshold_is_left_out():
    data = random_graph(20, seed=3)
    options = {"alpha": 0.3, "top_k": 20, "tolerance": 1e-12}
    column, value = personalized_pagerank(data.edge_index, 20, threshold=0.05, **options)
    expected = by_inverse(data, 0.3, threshold=0.05)
    assert 0 < (expected == 0).sum() < 400
    torch.testing.assert_close(as_dense(column, value), expected, atol=1e-9, rtol=0)


def test_does_not_depend_on_the_blocks():
    data = random_graph(50, seed=4)
    results = [
        personalized_pagerank(data.edge_index, 50, top_k=6, block_rows=b) for b in (1, 8, 999)
    ]
    for column, value in results[1:]:
        assert torch.equal(column, results[0][0])
        torch.testing.assert_close(value, results[0][1])


def test_isolated_nodes_keep_to_themselves():
    data = Data(edge_index=torch.tensor([[0, 1], [1, 0]]), num_nodes=4)
    column, value = personalized_pagerank(data.edge_index, 4, top_k=2, tolerance=1e-9)
    assert column[3].tolist() == [3, 3]
    assert value[3].tolist() == pytest.approx([1.0, 0.0], abs=1e-6)


def test_a_hub_does_not_spread_what_no_neighbor_would_keep():
    n, leaves = 5000, torch.arange(1, 5000)
    star = torch.stack([torch.zeros_like(leaves), leaves])
    edges = torch.cat([star, star.flip(0)], dim=1)
    tracemalloc.start()
    try:
        column, value = personalized_pagerank(edges, n, alpha=0.2, top_k=2, tolerance=0.1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 256 * n * 8 / 2  # Half of what a block of rows would spread.
    # A leaf has 1, .4 and .16 in turn, and hands the hub as much as it keeps.
    assert column[7].tolist() == [7, 0]
    hub = 0.2 * (0.4 + 0.16) * (2 / n) ** 0.5
    assert value[7].tolist() == pytest.approx([0.2 * (1 + 0.4 + 0.16), hub])


@pytest.mark.slow
def test_nothing_is_dense():
    data = huge_graph(100_000)
    column, _ = personalized_pagerank(data.edge_index, 100_000, top_k=8, tolerance=1e-2)
    assert column.shape == (100_000, 8)


def test_writes_per_node_and_makes_a_view():
    data = random_graph(30, sparse=True, seed=5)
    out = Diffusion(top_k=5)(data)
    assert "diffusion_column" not in data and out.diffusion_value.dtype == torch.float32
    view = diffusion_view(out)
    assert torch.equal(
        view.edge_index,
        torch.stack([out.diffusion_column.flatten(), torch.arange(30).repeat_interleave(5)])[
            :, out.diffusion_value.flatten() > 0
        ],
    )
    assert view.x is data.x and view.num_nodes == 30
    assert view.edge_weight.shape == (view.num_edges,)


def test_nodes_that_only_labels_tell_of_are_diffused():
    edges = torch.tensor([[0, 1], [1, 0]])
    out = Diffusion(top_k=2)(Data(edge_index=edges, y=torch.tensor([0, 1, 0, 1])))
    assert out.node_id.tolist() == [0, 1, 2, 3] and diffusion_view(out).num_nodes == 4


def test_a_batch_is_a_part_of_the_whole():
    out = Diffusion(top_k=9)(random_graph(30, seed=6))
    nodes = torch.tensor([4, 29, 7, 8, 0, 15])
    batch = out.subgraph(nodes)
    view = diffusion_view(batch)
    whole = as_dense(out.diffusion_column, out.diffusion_value)
    part = torch.zeros(6, 6)
    part[view.edge_index[1], view.edge_index[0]] = view.edge_weight
    assert torch.equal(part, whole[batch.node_id][:, batch.node_id])


def test_graphs_of_a_batch_stay_apart():
    graphs = [Diffusion(top_k=6)(random_graph(size, seed=size)) for size in (12, 17)]
    view = diffusion_view(Batch.from_data_list(graphs))
    views = [diffusion_view(graph) for graph in graphs]
    edges = torch.cat([views[0].edge_index, views[1].edge_index + 12], dim=1)
    assert torch.equal(view.edge_index, edges)
    assert torch.equal(view.edge_weight, torch.cat([one.edge_weight for one in views]))
    whole = diffusion_view(Diffusion(top_k=6)(Batch.from_data_list(graphs)))
    assert torch.equal(whole.edge_index, edges)


def test_refusals():
    edges = torch.tensor([[0, 1], [1, 0]])
    for options, sentence in [
        ({"alpha": 0.0}, "'alpha' must be above 0 (got 0.0)"),
        ({"alpha": 1.5}, "'alpha' must be a probability in [0, 1] (got 1.5)"),
        ({"top_k": 0}, "'top_k' must be an integer of at least 1 (got 0)"),
        ({"threshold": -1.0}, "'threshold' must be a number of at least 0 (got -1.0)"),
        ({"tolerance": 0.0}, "'tolerance' must be a positive number (got 0.0)"),
    ]:
        with pytest.raises(ValueError) as error:
            personalized_pagerank(edges, 2, **options)
        assert str(error.value) == f"personalized_pagerank: {sentence}"
        with pytest.raises(ValueError) as error:
            Diffusion(**options)
        assert str(error.value) == f"Diffusion: {sentence}"
    rule = (
        r"^diffusion_view: 'data' must be a graph with 'diffusion_column': "
        r"apply gclkit.augmentations.Diffusion first "
    )
    with pytest.raises(ValueError, match=rule):
        diffusion_view(Data(edge_index=edges))
    assert str(Diffusion(top_k=3)) == (
        "Diffusion(alpha=0.2, top_k=3, threshold=0.0, tolerance=0.0003)"
    )


def test_mass_of_a_whole_row_is_1():
    data = random_graph(25, seed=8)
    column, value = personalized_pagerank(data.edge_index, 25, top_k=25, tolerance=1e-10)
    degree = torch.bincount(data.edge_index[0], minlength=25).double() + 1
    mass = (value * degree[column].sqrt()).sum(dim=1) / degree.sqrt()
    np.testing.assert_allclose(mass.numpy(), 1.0, atol=1e-6)


@pytest.mark.parametrize("n", [1, 3])
def test_a_graph_without_edges_stays_where_it_is(n):
    empty = Data(edge_index=torch.empty(2, 0, dtype=torch.int64), num_nodes=n)
    out = Diffusion(top_k=1)(empty)
    assert out.diffusion_column.tolist() == [[node] for node in range(n)]
    torch.testing.assert_close(out.diffusion_value, torch.ones(n, 1), atol=3e-4, rtol=0)

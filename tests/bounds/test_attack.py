import torch

from gclkit.bounds import EdgeDropSet, attack, target_vectors
from gclkit.bounds.attack import (
    copy_surroundings,
    sampled_minimum,
    searched_minimum,
    split_by_edges,
)
from gclkit.bounds.layers import describe_layers


def test_search_comes_close_to_the_true_minimum(make_encoder, make_graph, run, all_views):
    stack = make_encoder(seed=5)
    layers = describe_layers("test", stack)
    x, edge_index, z = make_graph([7], density=0.5, seed=5)
    directions, nodes = target_vectors(z), torch.arange(7)
    drops = EdgeDropSet(edge_index, 7, 0.5)
    values = [
        (directions * run(stack, x, torch.stack([drops.source[kept], drops.target[kept]]))).sum(1)
        for kept in all_views(drops)
    ]
    least, clean = torch.stack(values).amin(dim=0).detach(), values[0].detach()
    found = searched_minimum(layers, x, directions, drops, nodes=nodes)
    assert (found >= least - 1e-9).all(), "every value belongs to a view of the set"
    assert float((clean - found).sum()) > 0.9 * float((clean - least).sum())
    with torch.no_grad():
        generator = torch.Generator().manual_seed(0)
        sampled = sampled_minimum(
            layers, x, directions, drops, nodes=nodes, num_views=50, generator=generator
        )
    assert (sampled >= least - 1e-9).all() and (sampled <= clean + 1e-9).all()


def test_copies_hold_all_that_counts(make_graph):
    _, edge_index, _ = make_graph([12], density=0.25, seed=1)
    drops = EdgeDropSet(edge_index, 12, 0.5)
    copies = copy_surroundings(drops, torch.tensor([4, 9]), 1)
    assert copies.node[copies.center].tolist() == [4, 9]
    for center, node in zip(copies.center.tolist(), (4, 9), strict=True):
        near = copies.drops.source[copies.drops.target == center]
        true = drops.source[drops.target == node]
        assert copies.node[near].tolist() == true.tolist()
    assert torch.equal(copies.degree, drops.degree[copies.node])


def test_large_surroundings_are_searched_in_smaller_parts(make_encoder, make_graph, monkeypatch):
    layers = describe_layers("test", make_encoder(seed=5))
    x, edge_index, z = make_graph([14], density=0.3, seed=5)
    directions, nodes = target_vectors(z)[3:], torch.arange(3, 14)
    drops = EdgeDropSet(edge_index, 14, 0.5)
    whole = searched_minimum(layers, x, directions, drops, nodes=nodes)
    monkeypatch.setattr(attack, "MESSAGE_NUMEL", 300)
    torch.testing.assert_close(searched_minimum(layers, x, directions, drops, nodes=nodes), whole)


def test_parts_keep_the_order_and_the_number_of_edges(make_graph):
    _, edge_index, _ = make_graph([30], density=0.1, seed=2)
    drops, nodes = EdgeDropSet(edge_index, 30, 0.5), torch.arange(29, -1, -1)
    sizes = [len(copy_surroundings(drops, node[None], 1).drops.target) for node in nodes]
    most = 2 * max(sizes)
    parts = list(split_by_edges(drops, nodes, 1, block=8, most_edges=most))
    assert torch.equal(torch.cat(parts), nodes) and max(map(len, parts)) <= 8
    by_node = dict(zip(nodes.tolist(), sizes, strict=True))
    totals = [sum(by_node[node] for node in part.tolist()) for part in parts]
    assert max(totals) <= most and len(parts) > 4
    alone = list(split_by_edges(drops, nodes, 1, block=8, most_edges=1))
    assert max(map(len, alone)) == 1 or min(sizes) == 0


def test_the_default_dtype_does_not_matter(make_graph):
    drops = EdgeDropSet(make_graph([9, 9])[1], 18, 0.4)
    nodes = torch.tensor([3, 12])
    within = copy_surroundings(drops, nodes, 2).within
    torch.set_default_dtype(torch.float64)
    try:
        assert copy_surroundings(drops, nodes, 2).within == within
    finally:
        torch.set_default_dtype(torch.float32)

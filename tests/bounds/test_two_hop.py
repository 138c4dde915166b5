import itertools

import pytest
import torch

from gclkit.bounds import EdgeDropSet, node_compactness, target_vectors
from gclkit.bounds.layers import describe_layers
from gclkit.bounds.two_hop import two_hop_bound


@torch.no_grad()
@pytest.mark.parametrize("conv", ["gcn", "sage", "gin"])
def test_blocks_change_nothing(conv, make_encoder, make_graph, monkeypatch):
    layers = describe_layers("test", make_encoder(conv, widths=(5, 6, 6, 4)))
    x, edge_index, z = make_graph([15, 9], density=0.5)
    drops = EdgeDropSet(edge_index, len(x), 0.4)
    nodes = torch.tensor([3, 20, 11, 0])
    directions = target_vectors(z, nodes=nodes)

    def run():
        return two_hop_bound(layers, x, directions, drops, nodes=nodes)

    whole = run()
    monkeypatch.setattr("gclkit.bounds.two_hop.BLOCK_NUMEL", 200)
    torch.testing.assert_close(run(), whole)


@torch.no_grad()
def test_closes_most_of_the_gap_of_plain_intervals(make_encoder, make_graph):
    layers = make_encoder("gcn", widths=(5, 8, 8, 4), seed=3)
    x, edge_index, z = make_graph([40], density=0.12, seed=3)
    bounds = [
        node_compactness(
            layers, x, edge_index, targets=z, p=0.4, mode="certified", tightness=kind
        ).mean()
        for kind in ("interval", "budget", "two_hop")
    ]
    clean = node_compactness(
        layers,
        x,
        edge_index,
        targets=z,
        budget=torch.zeros(40, dtype=torch.int64),
        mode="certified",
    ).mean()
    gaps = [float(clean - bound) for bound in bounds]
    assert gaps[2] < 0.95 * gaps[1] < 0.6 * gaps[0], gaps


@torch.no_grad()
@pytest.mark.parametrize("conv", ["gcn", "sage", "gin", "gin_negative"])
def test_below_every_view_of_a_set_that_is_not_symmetric(conv, make_encoder, run):
    path = torch.tensor([[0, 1, 2], [1, 2, 3]])
    edge_index = torch.cat([path, path.flip(0)], dim=1)
    drops = EdgeDropSet(edge_index, 4, 0.0)
    edges = torch.stack([drops.source, drops.target])
    drops = drops.enlarged(torch.tensor([True, False, True, True, True, False]))
    assert not drops.symmetric and drops.budget.tolist() == [0, 1, 0, 1]
    masks = [torch.tensor(kept) for kept in itertools.product([True, False], repeat=6)]
    views = [edges[:, kept] for kept in masks if (drops.dropped(kept) <= drops.budget).all()]
    for seed in range(20):
        layers = make_encoder(conv, seed=seed)
        generator = torch.Generator().manual_seed(seed)
        x, z = (torch.randn(4, c, generator=generator).double() for c in (5, 4))
        values = [(target_vectors(z) * run(layers, x, view)).sum(dim=1) for view in views]
        bound = node_compactness(
            layers, x, edge_index, targets=z, drops=drops, mode="certified", tightness="two_hop"
        )
        assert (bound <= torch.stack(values).amin(dim=0) + 1e-9).all(), seed


@torch.no_grad()
def test_a_star_is_exact(make_encoder):
    """Leaves have no budget, so no edge can vanish and the bound is the value."""
    leaves = torch.arange(1, 7)
    star = torch.stack([torch.zeros_like(leaves), leaves])
    edge_index = torch.cat([star, star.flip(0)], dim=1)
    generator = torch.Generator().manual_seed(0)
    x, z = (torch.randn(7, c, generator=generator).double() for c in (5, 4))
    layers = make_encoder()
    bound, true = (
        node_compactness(
            layers, x, edge_index, targets=z, mode="certified", tightness="two_hop", **budget
        )
        for budget in ({"p": 0.5}, {"budget": torch.zeros(7, dtype=torch.int64)})
    )
    torch.testing.assert_close(bound, true)

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

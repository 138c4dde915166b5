"""No bound may exceed the true value of any view it speaks of."""

import itertools

import pytest
import torch

from gclkit.bounds import EdgeDropSet, draw_view, node_compactness, target_vectors
from gclkit.bounds.attack import searched_minimum
from gclkit.bounds.edge_drop_set import edge_budget
from gclkit.bounds.layers import describe_layers

TIGHTNESS = ("interval", "budget", "two_hop")
CONVS = ("gcn", "sage", "gin", "gin_negative")
CASES = list(itertools.product(CONVS, [1, 2, 3, 4]))


def edges_of(drops, kept):
    return torch.stack([drops.source[kept], drops.target[kept]])


def thinned(drops, generator):
    """A random view inside the set that does not use the budgets up."""
    kept = draw_view(drops, generator)
    coin = torch.rand(len(kept), generator=generator)
    forward = drops.target < drops.source
    return kept | (torch.where(forward, coin, coin[drops.mirror]) < 0.4)


@torch.no_grad()
def count_violations(layers, run, x, edge_index, z, p, num_views, *, seed=0, tightness=TIGHTNESS):
    drops = EdgeDropSet(edge_index, len(x), p)
    directions = target_vectors(z)
    generator = torch.Generator().manual_seed(seed)
    bounds = [
        node_compactness(layers, x, edge_index, targets=z, p=p, mode="certified", tightness=kind)
        for kind in tightness
    ]
    pairs = violations = 0
    for number in range(num_views):
        kept = (draw_view, thinned)[number % 2](drops, generator)
        view = edges_of(drops, kept)
        true = (directions * run(layers, x, view)).sum(dim=1)
        # Bernoulli dropping, one coin per direction: outside the set and not symmetric.
        loose = torch.rand(len(kept), generator=generator) > p
        loose_true = (directions * run(layers, x, edges_of(drops, loose))).sum(dim=1)
        checks = [(bound, true) for bound in bounds]
        for kind in ("interval", "budget"):
            for mask, value in ((kept, true), (loose, loose_true)):
                score = node_compactness(
                    layers,
                    x,
                    edge_index,
                    targets=z,
                    p=p,
                    view_edge_index=edges_of(drops, mask),
                    tightness=kind,
                )
                checks.append((score, value))
        pairs += len(x) * len(checks)
        violations += sum(int((bound > value + 1e-9).sum()) for bound, value in checks)
    return violations, pairs


@pytest.mark.parametrize(("conv", "depth"), CASES)
def test_random_views(conv, depth, make_encoder, make_graph, run):
    activation = ["relu", "leaky_relu", "prelu", "identity"][(depth + len(conv)) % 4]
    widths = (5, *[6] * (depth - 1), 4)
    layers = make_encoder(conv, activation, widths, norm=depth % 2 == 0, seed=depth)
    x, edge_index, z = make_graph([3, 5, 8, 11, 14], seed=depth)
    for p in (0.2, 0.6):
        violations, pairs = count_violations(layers, run, x, edge_index, z, p, 4)
        assert violations == 0 and pairs > 1000


@pytest.mark.slow
@pytest.mark.parametrize(("conv", "depth"), CASES)
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "prelu", "identity"])
def test_a_million_pairs(conv, depth, activation, make_encoder, make_graph, run):
    """Over all 64 cases: more than 10^6 pairs of node and view."""
    layers = make_encoder(conv, activation, (5, *[6] * (depth - 1), 4), norm=depth > 2)
    x, edge_index, z = make_graph([4, 6, 8, 10, 12, 14, 16, 18] * 4, density=0.3)
    violations, pairs = count_violations(layers, run, x, edge_index, z, 0.4, 10)
    assert violations == 0 and pairs * 64 > 10**6


@pytest.mark.parametrize("conv", CONVS)
@pytest.mark.parametrize("seed", [0, 1, 2])
@torch.no_grad()
def test_every_view_of_tiny_graphs(conv, seed, make_encoder, make_graph, run, all_views):
    layers = make_encoder(conv, "leaky_relu", seed=seed)
    x, edge_index, z = make_graph([6], density=0.55, seed=seed)
    assert edge_index.shape[1] <= 24
    directions = target_vectors(z)
    drops = EdgeDropSet(edge_index, len(x), 0.5)
    least = torch.full((len(x),), torch.inf, dtype=torch.float64)
    for kept in all_views(drops):
        value = (directions * run(layers, x, edges_of(drops, kept))).sum(dim=1)
        least = torch.minimum(least, value)
    before = torch.full_like(least, -torch.inf)
    for kind in TIGHTNESS:
        bound = node_compactness(
            layers, x, edge_index, targets=z, p=0.5, mode="certified", tightness=kind
        )
        assert (bound <= least + 1e-9).all()
        assert (bound >= before - 1e-9).all(), "each kind is at least as tight as the one before"
        before = bound


@pytest.mark.parametrize("conv", ["gcn", "sage", "gin"])
def test_searched_views(conv, make_encoder, make_graph, run):
    """Gradient and greedy search on 70 graphs per layer kind, side by side in one."""
    layers = make_encoder(conv, "relu", seed=7)
    x, edge_index, z = make_graph([4, 5, 6, 7, 8, 9, 10] * 10, density=0.5, seed=7)
    drops = EdgeDropSet(edge_index, len(x), 0.5)
    nodes = torch.arange(len(x))
    least = searched_minimum(
        describe_layers("test", layers),
        x,
        target_vectors(z),
        drops,
        nodes=nodes,
        rounds=8,
        block=512,
    )
    clean = (target_vectors(z) * run(layers, x, edge_index)).sum(dim=1)
    assert (least <= clean + 1e-9).all() and (least < clean - 1e-3).float().mean() > 0.3
    for kind in TIGHTNESS:
        bound = node_compactness(
            layers, x, edge_index, targets=z, p=0.5, mode="certified", tightness=kind
        )
        assert (bound <= least + 1e-9).all()


def test_the_check_sees_a_bound_that_is_too_high(make_encoder, make_graph, run):
    layers = make_encoder()
    x, edge_index, z = make_graph([8, 9])
    drops = EdgeDropSet(edge_index, len(x), 0.5)
    least = searched_minimum(
        describe_layers("test", layers), x, target_vectors(z), drops, nodes=torch.arange(len(x))
    )
    none = torch.zeros(len(x), dtype=torch.int64)
    clean = node_compactness(layers, x, edge_index, targets=z, budget=none, mode="certified")
    assert (clean > least + 1e-9).any(), "the clean value is no bound"
    assert (edge_budget(drops.degree, 0.5) == drops.budget).all()

import torch

from gclkit.bounds import EdgeDropSet, draw_view, greedy_view


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def by_loop(drops, priority):
    """The definition: edges in order of priority, dropped while both ends have a budget."""
    kept, left = torch.ones(len(priority), dtype=torch.bool), drops.budget.clone()
    forward = (drops.target < drops.source).nonzero()[:, 0]
    for edge in forward[priority[forward].argsort(descending=True, stable=True)].tolist():
        a, b = int(drops.target[edge]), int(drops.source[edge])
        if left[a] > 0 and left[b] > 0:
            kept[edge] = kept[drops.mirror[edge]] = False
            left[a] -= 1
            left[b] -= 1
    return kept


def test_rounds_equal_the_loop(make_graph):
    for seed in range(20):
        _, edge_index, _ = make_graph([13], density=0.6, seed=seed)
        drops = EdgeDropSet(edge_index, 13, 0.5)
        priority = torch.rand(edge_index.shape[1], generator=seeded(seed))
        if seed % 2:  # Ties, as gradients have them.
            priority = (3 * priority).round()
        assert torch.equal(greedy_view(drops, priority), by_loop(drops, priority))


def test_views_use_the_budgets_up_and_stay_inside(make_graph):
    _, edge_index, _ = make_graph([30], density=0.3)
    drops = EdgeDropSet(edge_index, 30, 0.4)
    kept = draw_view(drops, seeded())
    assert torch.equal(kept, draw_view(drops, seeded()))
    assert torch.equal(kept, kept[drops.mirror])
    lost = drops.dropped(kept)
    assert (lost <= drops.budget).all() and lost.sum() > 0
    free = lost < drops.budget
    assert not (free[drops.target] & free[drops.source] & kept).any(), "no edge is left to drop"
    only = torch.zeros_like(kept)
    assert greedy_view(drops, torch.ones(len(kept)), only).all()


def test_an_edge_that_may_vanish_in_one_direction_stays(make_graph):
    _, edge_index, _ = make_graph([12], density=0.5)
    drops = EdgeDropSet(edge_index, 12, 0.5)
    only = drops.target < drops.source
    both = only & (drops.source < 8)
    only[drops.mirror[both]] = True
    priority = torch.rand(len(only), generator=seeded())
    expected = greedy_view(drops, priority, both | both[drops.mirror])
    assert torch.equal(greedy_view(drops, priority, only), expected) and not expected.all()

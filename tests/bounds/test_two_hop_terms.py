import torch

from gclkit.bounds import EdgeDropSet
from gclkit.bounds.box import Box, point
from gclkit.bounds.two_hop_terms import dot_bounds, edge_least, scaled, without_top


def draw(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def test_products_with_a_box_meet_its_corners():
    a, b = draw(2, 6, 4, seed=0)
    box, coefficients = Box(torch.minimum(a, b), torch.maximum(a, b)), draw(6, 4, seed=1)
    low, high = dot_bounds(coefficients, box)
    worst = torch.where(coefficients > 0, box.lower, box.upper)
    best = torch.where(coefficients > 0, box.upper, box.lower)
    torch.testing.assert_close(low, (coefficients * worst).sum(dim=1))
    torch.testing.assert_close(high, (coefficients * best).sum(dim=1))
    rows, cols = torch.tensor([2, 0, 5, 0]), torch.tensor([1, 3, 3, 4])
    found = edge_least(rows, cols, coefficients, box)
    expected = dot_bounds(coefficients[rows], Box(box.lower[cols], box.upper[cols]))[0]
    torch.testing.assert_close(found, expected)
    exact = edge_least(rows, cols, coefficients, point(a))
    torch.testing.assert_close(exact, (coefficients[rows] * a[cols]).sum(dim=1))
    factor = torch.tensor([[-0.4]]).double()
    torch.testing.assert_close(scaled(factor, (low, high))[:, 0], -0.4 * high)


def test_the_largest_droppable_entries_go():
    cycle = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
    drops = EdgeDropSet(torch.cat([cycle, cycle.flip(0)], dim=1), 4, torch.tensor([1, 1, 1, 0]))
    edges, real = torch.arange(8).view(4, 2), torch.ones(4, 2, dtype=torch.bool)
    values = torch.tensor([[3.0, 7.0], [2.0, 5.0], [4.0, 6.0], [8.0, 9.0]])
    # Edges are sorted by target, then source; those of node 3 stay.
    torch.testing.assert_close(
        without_top(drops, values[:3], edges[:3], real[:3], 1), torch.tensor([7.0, 2.0, 6.0])
    )

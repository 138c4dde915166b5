import pytest
import torch

from gclkit.bounds import EdgeDropSet
from gclkit.bounds.aggregation import budgeted, column_ends, column_least, column_minimum, plain
from gclkit.bounds.box import Box, point
from gclkit.bounds.forward import view_matrix
from gclkit.bounds.layers import Layer
from gclkit.bounds.propagation import gcn, gin_sum, sage_mean

KINDS = {"gcn": gcn(), "sage": sage_mean(), "gin": gin_sum(torch.tensor(-1.4))}


def boxes(n, d, generator):
    ends = torch.randn(2, 2, n, d, generator=generator, dtype=torch.float64)
    return [Box(torch.minimum(a, b), torch.maximum(a, b)) for a, b in ends]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("aggregate", [plain, budgeted])
def test_every_view_stays_inside(kind, aggregate, make_graph, all_views):
    propagation = KINDS[kind]
    generator = torch.Generator().manual_seed(0)
    _, edge_index, _ = make_graph([6], density=0.6, seed=2)
    drops = EdgeDropSet(edge_index, 6, 0.5)
    u, v = boxes(6, 5, generator)
    lower, upper = aggregate(drops, propagation, u, v)
    layer = Layer(propagation, None, None, None, torch.ones(()))
    attained = torch.full_like(lower, torch.inf)
    for kept in all_views(drops):
        degree = drops.count(kept).double()
        matrix = view_matrix(layer, drops, kept, degree).to_dense()
        root = propagation.root(degree)[:, None]
        low = matrix @ u.lower + torch.minimum(root * v.lower, root * v.upper)
        high = matrix @ u.upper + torch.maximum(root * v.lower, root * v.upper)
        assert (low >= lower - 1e-12).all() and (high <= upper + 1e-12).all()
        attained = torch.minimum(attained, low)
    if kind != "gcn" and aggregate is budgeted:
        # Sum and mean have no factor of the other end, so only shared budgets are lost.
        assert (attained - lower < 1e-12).float().mean() > 0.7


@pytest.mark.parametrize("kind", KINDS)
def test_counting_edges_is_never_looser(kind, make_graph):
    generator = torch.Generator().manual_seed(1)
    _, edge_index, _ = make_graph([12, 15], density=0.4)
    drops = EdgeDropSet(edge_index, 27, 0.4)
    u, v = boxes(27, 4, generator)
    wide, close = (f(drops, KINDS[kind], u, v) for f in (plain, budgeted))
    assert (close.lower >= wide.lower - 1e-12).all() and (close.upper <= wide.upper + 1e-12).all()
    # A sum has no factors to fix: only the number of lost edges is gained.
    share = 0.05 if kind == "gin" else 0.5
    assert (close.lower > wide.lower + 1e-3).float().mean() > share


def test_blocks_of_columns_change_nothing(make_graph, monkeypatch):
    x, edge_index, _ = make_graph([20], density=0.4, channels=(7, 4))
    drops = EdgeDropSet(edge_index, 20, 0.4)

    def run():
        u = x.clone().requires_grad_()
        box = budgeted(drops, gcn(), point(u), point(u))
        weights = torch.arange(140, dtype=torch.float64).view(20, 7)
        (grad,) = torch.autograd.grad(((box.upper - 2 * box.lower) * weights).sum(), u)
        return box, grad

    whole, grad = run()
    monkeypatch.setattr("gclkit.bounds.aggregation.BLOCK_NUMEL", 300)
    blocks, grad_blocks = run()
    torch.testing.assert_close(blocks, whole)
    torch.testing.assert_close(grad_blocks, grad)


def test_a_triangle_by_hand():
    """Budget 1 everywhere; node 0 gets -2 and 3 from its neighbours and 1 from itself."""
    edge_index = torch.tensor([[0, 0, 1, 1, 2, 2], [1, 2, 0, 2, 0, 1]])
    drops = EdgeDropSet(edge_index, 3, torch.ones(3, dtype=torch.int64))
    u = point(torch.tensor([[1.0], [-2.0], [3.0]]).double())
    lower, _ = budgeted(drops, gcn(), u, u)
    m = (-2 / 2**0.5, 3 / 3**0.5)  # The factor of each neighbour that hurts most.
    nothing_lost = (m[0] + m[1]) / 3**0.5 + 1 / 3
    best_lost = m[0] / 2**0.5 + 1 / 2
    assert float(lower[0]) == pytest.approx(min(nothing_lost, best_lost))


@pytest.mark.parametrize("kind", KINDS)
def test_a_node_without_neighbours_keeps_its_own_term(kind, make_graph):
    _, edge_index, _ = make_graph([6], density=0.6, seed=2)
    generator = torch.Generator().manual_seed(4)
    u, v = boxes(7, 3, generator)
    lower, upper = budgeted(EdgeDropSet(edge_index, 7, 0.5), KINDS[kind], u, v)
    ends = KINDS[kind].root(torch.zeros(()).double()) * torch.stack([v.lower[6], v.upper[6]])
    torch.testing.assert_close(lower[6], ends.amin(dim=0))
    torch.testing.assert_close(upper[6], ends.amax(dim=0))


def test_column_factors_are_cut_to_the_budgets(make_graph):
    drops = EdgeDropSet(make_graph([8], density=0.7)[1], 8, 0.5)
    usable, degree = drops.usable_budget.tolist(), drops.degree.tolist()
    for span, (least, most) in (((2, 3), (2, 3)), (None, (0, 8))):
        low, high = column_ends(drops, gcn(), torch.zeros(1).double(), span)
        for i in range(8):
            assert float(low[i]) == pytest.approx((degree[i] - min(least, usable[i]) + 1) ** -0.5)
            assert float(high[i]) == pytest.approx((degree[i] - min(most, usable[i]) + 1) ** -0.5)


def test_least_contributions_take_the_end_that_is_worse(make_graph):
    drops = EdgeDropSet(make_graph([8], density=0.7)[1], 8, 0.5)
    values = torch.randn(8, 3, generator=torch.Generator().manual_seed(0)).double()
    low, high = (end[:, None] for end in column_ends(drops, gcn(), values))
    expected = torch.minimum(low * values, high * values)
    assert (low < high).any() and (values < 0).any() and (values > 0).any()
    torch.testing.assert_close(column_minimum(drops, gcn(), values), expected)
    senders = torch.tensor([[5, 0, 5], [2, 7, 1]])
    found = column_least(drops, gcn(), senders, values[senders, 1])
    torch.testing.assert_close(found, expected[senders, 1])

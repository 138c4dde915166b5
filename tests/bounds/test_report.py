import math

import pytest
import torch

from gclkit.bounds import EdgeDropSet
from gclkit.bounds.report import describe_set, nodes_in_reach

# A path 0-1-2-3 with a tail 3-4-5-6-7: only edges between nodes of degree 2 can vanish.
PATH = torch.stack([torch.arange(7), torch.arange(1, 8)])
EDGES = torch.cat([PATH, PATH.flip(0)], dim=1)


def test_reach():
    budget = torch.tensor([0, 1, 1, 0, 0, 0, 0, 0])
    drops = EdgeDropSet(EDGES, 8, budget)
    assert nodes_in_reach(drops, 1).nonzero()[:, 0].tolist() == [0, 1, 2, 3]
    assert nodes_in_reach(drops, 2).nonzero()[:, 0].tolist() == [0, 1, 2, 3, 4]
    report = describe_set(drops, num_layers=2, num_views=3)
    assert report.budget_share == 0.25 and report.reach_share == 0.625
    assert report.realised_rate == pytest.approx(1 / 7) and math.isnan(report.over_budget)


def test_without_edges_nothing_is_dropped():
    drops = EdgeDropSet(torch.empty(2, 0, dtype=torch.int64), 3, 0.5)
    report = describe_set(drops, num_layers=2, p=0.5, num_views=3)
    assert report == (0.0, 0.0, 0.0, 0.0)


def test_bernoulli_views_leave_the_set():
    drops = EdgeDropSet(EDGES, 8, 0.5)
    report = describe_set(drops, num_layers=2, p=0.5, num_views=400, seed=1)
    # The two ends lose their only edge with probability 1/2, inner nodes both with 1/4.
    assert report.over_budget == pytest.approx((2 * 0.5 + 6 * 0.25) / 8, abs=0.02)


def test_the_default_dtype_does_not_matter(make_graph):
    drops = EdgeDropSet(make_graph([9, 9])[1], 18, 0.4)
    reach = nodes_in_reach(drops, 2)
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.equal(nodes_in_reach(drops, 2), reach) and reach.any()
    finally:
        torch.set_default_dtype(torch.float32)

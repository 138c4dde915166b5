import re

import pytest
import torch

from gclkit.bounds import EdgeDropSet, edge_budget

PATH = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])


def test_budgets_round_half_to_even_and_keep_an_edge():
    degree = torch.tensor([0, 1, 2, 3, 4, 5, 10])
    assert edge_budget(degree, 0.5).tolist() == [0, 0, 1, 2, 2, 2, 5]
    assert edge_budget(degree, 0.3).tolist() == [0, 0, 1, 1, 1, 2, 3]
    assert edge_budget(degree, 1.0).tolist() == [0, 0, 1, 2, 3, 4, 9]


def test_what_a_path_can_lose():
    drops = EdgeDropSet(PATH, 5, 0.5)
    assert drops.degree.tolist() == [1, 2, 2, 1, 0]
    assert drops.budget.tolist() == [0, 1, 1, 0, 0]
    # Sorted by target: 0<-1, 1<-0, 1<-2, 2<-1, 2<-3, 3<-2; only 1-2 has budgets at both ends.
    assert drops.droppable.tolist() == [False, False, True, True, False, False]
    assert drops.usable_budget.tolist() == [0, 1, 1, 0, 0]
    assert drops.mirror.tolist() == [1, 0, 3, 2, 5, 4]


def test_enlarging_holds_the_view():
    drops = EdgeDropSet(PATH, 5, 0.5)
    kept = drops.kept(torch.tensor([[1, 2, 2, 3], [2, 1, 3, 2]]))
    larger = drops.enlarged(kept)
    assert larger.budget.tolist() == [1, 1, 1, 0, 0] and larger.symmetric
    assert drops.budget.tolist() == [0, 1, 1, 0, 0], "the set itself is left as it was"
    one_way = drops.enlarged(drops.kept(PATH[:, 1:]))
    assert not one_way.symmetric and one_way.droppable.all()
    assert one_way.budget.tolist() == [0, 1, 1, 0, 0]


def test_which_edges_a_set_is_of():
    drops = EdgeDropSet(PATH, 5, 0.5)
    drops = drops.enlarged(drops.kept(PATH[:, 2:]))
    assert drops.is_of(PATH) and drops.is_of(PATH.flip(1))
    for other in (PATH[:, 2:], PATH[:, [0, 1, 2, 3, 4, 4]], PATH + 1):
        assert not drops.is_of(other)


@pytest.mark.parametrize(
    ("edges", "budget", "message"),
    [
        ([[0], [1]], 0.5, "'edge_index' must be undirected, with both directions of every edge "),
        ([[1], [1]], 0.5, "'edge_index' must be free of self-loops (got '1 self-loops')"),
        ([[0, 0, 1], [1, 1, 0]], 0.5, "'edge_index' must be free of duplicate edges"),
        ([[0, 7], [7, 0]], 0.5, "'edge_index' must be node indices from 0 to 4 (got 7)"),
        (PATH.tolist(), -0.1, "'p' must be a probability in [0, 1] (got -0.1)"),
        (PATH.tolist(), [1, 2, 3, 0, 0], "'budget' must be between 0 and the degree"),
        (PATH.tolist(), [1, 1], "'budget' must be one integer per node"),
        (PATH.tolist(), [0.0] * 5, "'budget' must be of an integer dtype (got torch.float32)"),
        (PATH.tolist(), (1, 1), "'budget' must be one integer per node, of shape (5,) (got 'tuple"),
    ],
)
def test_refusals(edges, budget, message):
    budget = torch.tensor(budget) if isinstance(budget, list) else budget
    with pytest.raises(ValueError, match="^EdgeDropSet: " + re.escape(message)):
        EdgeDropSet(torch.tensor(edges), 5, budget)


@pytest.mark.parametrize("num_nodes", [5.0, None, "5", -5])
def test_nodes_are_counted(num_nodes):
    message = f"EdgeDropSet: 'num_nodes' must be an integer of at least 0 (got {num_nodes!r})"
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        EdgeDropSet(PATH, num_nodes, 0.5)

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gclkit.evaluators import edge_sampling
from gclkit.evaluators.edge_sampling import sample_non_edges, sample_two_hop, undirected_codes


def rng(seed):
    return torch.Generator().manual_seed(seed)


def test_codes_are_pairs_once_without_loops():
    edge_index = torch.tensor([[2, 1, 0, 3, 1], [1, 2, 3, 0, 1]])
    assert undirected_codes(edge_index, 5).tolist() == [3, 7]


@given(n=st.integers(3, 15), seed=st.integers(0, 99), listed=st.booleans())
@settings(deadline=None, max_examples=60)
def test_draws_are_different_pairs_without_an_edge(n, seed, listed):
    limit = edge_sampling._LISTED
    edge_sampling._LISTED = limit if listed else 0
    try:
        codes = undirected_codes(torch.randint(n, (2, 2 * n), generator=rng(seed)), n)
        if not len(codes):
            return
        free = n * (n - 1) // 2 - len(codes)
        found = sample_non_edges(codes, n, min(free, 5), rng(seed))
    finally:
        edge_sampling._LISTED = limit
    assert len(found) == len(found.unique()) == min(free, 5)
    assert not torch.isin(found, codes).any() and (found // n < found % n).all()


def test_two_hops_of_a_star_and_of_a_triangle():
    star = torch.tensor([1, 2, 3, 4])  # Node 0 joined to 1 … 4, n = 10.
    found = sample_two_hop(star, star, 10, 6, rng(0))
    assert sorted(found.tolist()) == [12, 13, 14, 23, 24, 34]
    assert len(sample_two_hop(star, star, 10, 50, rng(0))) == 6
    triangle = torch.tensor([1, 2, 12])
    assert len(sample_two_hop(triangle, triangle, 10, 3, rng(0))) == 0
    # The edge 1-2 held out: at two hops in the training graph, and still no negative.
    assert len(sample_two_hop(torch.tensor([1, 2]), triangle, 10, 3, rng(0))) == 0

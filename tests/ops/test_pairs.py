import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gclkit.ops.pairs import PairsByTile, as_pairs


@settings(deadline=None, max_examples=40)
@given(
    n=st.integers(1, 20),
    m=st.integers(1, 20),
    block=st.integers(1, 25),
    count=st.integers(0, 40),
    seed=st.integers(0, 99),
)
def test_tiles_together_hold_every_pair_once(n, m, block, count, seed):
    generator = torch.Generator().manual_seed(seed)
    value = torch.stack(
        [torch.randint(0, limit, (count,), generator=generator) for limit in (n, m)]
    )
    pairs = as_pairs("op", "exclude", value, n, m)
    expected, found = torch.zeros(n, m), torch.zeros(n, m)
    expected[value[0], value[1]] = 1
    assert pairs.size(1) == expected.sum()
    by_tile = PairsByTile(pairs, m, block)
    for row in range(0, n, block):
        for column in range(0, m, block):
            tile = found[row : row + block, column : column + block]
            by_tile.fill(tile, row, column, 1.0)
    assert torch.equal(found, expected)


def test_repeated_pairs_count_once_and_come_sorted():
    value = torch.tensor([[2, 0, 2], [1, 3, 1]])
    assert as_pairs("op", "exclude", value, 3, 4).tolist() == [[0, 2], [3, 1]]


def test_refuses_a_sparse_matrix_of_another_shape():
    matrix = torch.sparse_coo_tensor(
        torch.tensor([[0], [0]]), torch.ones(1), (2, 3), check_invariants=False
    )
    with pytest.raises(ValueError) as error:
        as_pairs("op", "exclude", matrix, 3, 3)
    assert str(error.value) == "op: 'exclude' must be of shape (3, 3) (got (2, 3))"

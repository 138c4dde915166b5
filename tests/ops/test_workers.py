import threading

import pytest
import torch

from gclkit.ops.bounded_sums import MutualSums, RowSums, SelfSums
from gclkit.ops.tiles import Tiles, Tiling
from gclkit.ops.workers import share_out
from gclkit.testing.measure import LargestTensor

BLOCK = 7
PAIRS = torch.tensor([[0, 3, 20], [5, 8, 1]])


@pytest.fixture
def rows():
    generator = torch.Generator().manual_seed(0)
    shape = {"generator": generator, "dtype": torch.float64}
    return torch.randn(40, 3, **shape), torch.randn(33, 3, **shape)


def row_sums(queries, keys, scale, bias, **tiling):
    return RowSums.apply(queries, keys, scale, bias, Tiling(exclude=PAIRS, **tiling))


def self_sums(queries, keys, scale, bias, **tiling):
    extended = torch.cat([bias, bias[:7]])
    return SelfSums.apply(queries, scale, extended, Tiling(triangle=True, **tiling))


def mutual_sums(queries, keys, scale, bias, **tiling):
    return torch.cat(MutualSums.apply(queries, keys, scale, Tiling(exclude=PAIRS, **tiling)))


@pytest.mark.parametrize("sums", [row_sums, self_sums, mutual_sums])
@pytest.mark.parametrize("keep", [0, 3 * BLOCK * BLOCK * 8, 10**6])
def test_workers_find_what_one_finds(rows, sums, keep):
    results = []
    for workers in (1, 3):
        leaves = [*rows, torch.tensor(0.6).double(), torch.linspace(-1, 1, 33).double()]
        leaves = [leaf.clone().requires_grad_() for leaf in leaves]
        tiling = {"block": BLOCK, "operand": torch.float64, "keep": keep, "workers": workers}
        out = sums(*leaves, **tiling)
        weight = torch.linspace(0.5, 2.0, len(out)).double()
        out.backward((weight * out.detach()).clone())
        results.append([out.detach(), *(leaf.grad for leaf in leaves if leaf.grad is not None)])
    for one, several in zip(*results, strict=True):
        torch.testing.assert_close(several, one, rtol=1e-12, atol=1e-12)


def tiles_of(rows, workers):
    tiling = Tiling(BLOCK, torch.float64, workers=workers)
    return Tiles(*rows, torch.tensor(0.6), tiling)


def test_parts_make_up_the_tiles_and_have_scratch_of_their_own(rows):
    tiles = tiles_of(rows, 4)
    whole = {(a.start, b.start) for a, b, _ in tiles}
    parts = tiles.parts(4)
    split = [{(a.start, b.start) for a, b, _ in part} for part in parts]
    assert sum(map(len, split)) == len(whole) and set().union(*split) == whole
    assert len({part.scratch("x", (2, 2), torch.float64).data_ptr() for part in parts}) == 4
    assert all(part.left is tiles.left for part in parts)


def test_each_worker_is_a_thread_with_cores_of_its_own(rows):
    seen, before = [], torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        meet = threading.Barrier(2, timeout=60)

        def add(part, total):
            meet.wait()
            seen.append((threading.get_ident(), torch.get_num_threads()))
            total += 1.0

        total = torch.zeros(3)
        share_out(tiles_of(rows, 2), add, total)
        assert total.tolist() == [2.0, 2.0, 2.0]
        assert len({thread for thread, _ in seen}) == 2 and {count for _, count in seen} == {2}
        assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)


def test_an_error_in_a_worker_is_the_callers_and_leaves_the_threads(rows):
    before = torch.get_num_threads()

    def add(part, total):
        raise RuntimeError("no more memory")

    with pytest.raises(RuntimeError, match="no more memory"):
        share_out(tiles_of(rows, 2), add, torch.zeros(1))
    assert torch.get_num_threads() == before


def test_the_same_number_of_workers_gives_the_same_bits(rows):
    narrow = [r.float() for r in rows]
    tiling = {"block": BLOCK, "operand": torch.bfloat16, "workers": 3}
    first, second = (
        MutualSums.apply(*narrow, torch.tensor(0.6), Tiling(**tiling)) for _ in range(2)
    )
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_works_in_inference_mode(rows):
    with torch.inference_mode():
        one, several = (
            MutualSums.apply(
                *(r * 1.0 for r in rows),
                torch.tensor(0.6),
                Tiling(BLOCK, torch.float64, workers=count),
            )[0]
            for count in (1, 2)
        )
    torch.testing.assert_close(several, one)


def test_whoever_watches_operators_sees_them_all(rows):
    def add(part, total):
        assert threading.current_thread() is threading.main_thread()
        torch.zeros(5000)

    with LargestTensor() as largest:
        share_out(tiles_of(rows, 2), add, torch.zeros(1))
    assert largest.numel == 5000

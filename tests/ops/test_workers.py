import signal
import threading
import time

import pytest
import torch

from gclkit.ops.bounded_sums import MutualSums, RowSums, SelfSums
from gclkit.ops.tiles import Tiles, Tiling
from gclkit.ops.workers import Turns, share_out
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
@pytest.mark.parametrize("operand", [torch.float64, torch.bfloat16])
def test_workers_find_the_bits_that_one_finds(rows, sums, keep, operand):
    dtype = torch.float32 if operand == torch.bfloat16 else torch.float64
    results = []
    for workers in (1, 3):
        leaves = [*rows, torch.tensor(0.6), torch.linspace(-1, 1, 33)]
        leaves = [leaf.to(dtype).requires_grad_() for leaf in leaves]
        out = sums(*leaves, block=BLOCK, operand=operand, keep=keep, workers=workers)
        out.backward(torch.linspace(0.5, 2.0, len(out)).to(dtype))
        results.append([out.detach(), *(leaf.grad for leaf in leaves if leaf.grad is not None)])
    assert len(results[0]) >= 3
    assert all(torch.equal(one, several) for one, several in zip(*results, strict=True))


def tiles_of(rows, workers):
    tiling = Tiling(BLOCK, torch.float64, workers=workers)
    return Tiles(*rows, torch.tensor(0.6), tiling)


def test_parts_share_operands_and_have_scratch_of_their_own(rows):
    tiles = tiles_of(rows, 4)
    parts = tiles.parts(4)
    assert len({part.scratch("x", (2, 2), torch.float64).data_ptr() for part in parts}) == 4
    assert all(part.left is tiles.left and part.right is tiles.right for part in parts)


def test_each_worker_is_a_thread_with_cores_of_its_own(rows):
    seen, before = [], torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        meet, total = threading.Barrier(2, timeout=60), torch.zeros(3)
        met = set()

        def terms(part, rows, columns, tile):
            if threading.get_ident() not in met:
                met.add(threading.get_ident())
                meet.wait()
            seen.append((threading.get_ident(), torch.get_num_threads()))
            yield total, torch.ones(3)

        share_out(tiles_of(rows, 2), terms)
        assert total.tolist() == [len(seen)] * 3 == [30.0] * 3
        assert len({thread for thread, _ in seen}) == 2 and {count for _, count in seen} == {2}
        assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)


def test_terms_are_added_in_the_order_of_their_numbers():
    turns, order = Turns(iter([(slice(0), slice(0))] * 3)), []

    class Sum(torch.Tensor):
        def __iadd__(self, term):
            order.append(int(term))
            return self

    def terms(*values):
        return [(torch.zeros(()).as_subclass(Sum), torch.tensor(value)) for value in values]

    assert [turns.take()[0] for _ in range(3)] == [0, 1, 2] and turns.take() is None
    turns.add(2, terms(5))
    turns.add(1, terms(3, 4))
    assert order == []
    turns.add(0, terms(1, 2))
    assert order == [1, 2, 3, 4, 5]


def test_an_error_in_a_worker_is_the_callers_and_ends_the_work(rows):
    before, made = torch.get_num_threads(), []

    def terms(part, rows, columns, tile):
        made.append(rows)
        raise RuntimeError("no more memory")

    with pytest.raises(RuntimeError, match="no more memory"):
        share_out(tiles_of(rows, 2), terms)
    assert torch.get_num_threads() == before and len(made) <= 2


def test_an_interrupt_ends_the_work(rows):
    before, made = torch.get_num_threads(), []

    def terms(part, rows, columns, tile):
        made.append(rows)
        if len(made) == 1:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        time.sleep(0.01)
        yield torch.zeros(3), torch.ones(3)

    # A shell that starts the tests in the background has them ignore interrupts.
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            share_out(tiles_of(rows, 2), terms)
    finally:
        signal.signal(signal.SIGINT, former)
    assert torch.get_num_threads() == before and len(made) < 20  # Of 30 tiles.


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
    def terms(part, rows, columns, tile):
        assert threading.current_thread() is threading.main_thread()
        yield torch.zeros(1), torch.zeros(5000)[:1]

    with LargestTensor() as largest:
        share_out(tiles_of(rows, 2), terms)
    assert largest.numel == 5000


def test_of_two_callers_one_has_workers_and_the_threads_come_back(rows):
    before, seen = torch.get_num_threads(), []
    torch.set_num_threads(4)
    try:
        begun, ended = threading.Event(), threading.Event()

        def waiting(part, rows, columns, tile):
            begun.set()
            assert ended.wait(60)
            return ()

        def counting(part, rows, columns, tile):
            seen.append(threading.get_ident())
            return ()

        first = threading.Thread(target=share_out, args=(tiles_of(rows, 2), waiting))
        first.start()
        assert begun.wait(60)
        share_out(tiles_of(rows, 2), counting)
        ended.set()
        first.join()
        assert set(seen) == {threading.get_ident()} and len(seen) == 30
        share_out(tiles_of(rows, 2), counting)
        assert threading.get_ident() not in seen[30:] and len(seen) == 60
        assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)

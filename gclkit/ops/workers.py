"""The tiles of one matrix in several threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import torch
from torch import Tensor
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

from gclkit.ops.tiles import Tiles

Terms = Callable[[Tiles, slice, slice, Tensor], Iterable[tuple[Tensor, Tensor]]]
# Held by whoever has lowered the number of threads, which is the process's: two who do so and set
# it back may leave it low.
_LOWERED = Lock()


class Turns:
    """Numbers given out to threads, and additions in the order of the numbers.

    Args:
        items: What is given out, each to one thread.
    """

    def __init__(self, items: Iterator[tuple[slice, slice]]) -> None:
        self._items, self._next = enumerate(items), 0
        self._waiting: dict[int, list[tuple[Tensor, Tensor]]] = {}
        self._taking, self._adding = Lock(), Lock()

    def take(self) -> tuple[int, tuple[slice, slice]] | None:
        """The next item and its number, or None at the end."""
        with self._taking:
            return next(self._items, None)

    def stop(self) -> None:
        """Gives out no more."""
        with self._taking:
            self._items = enumerate(iter(()))

    def add(self, number: int, terms: list[tuple[Tensor, Tensor]]) -> None:
        """Adds each term to its sum once those of all smaller numbers have been added."""
        with self._adding:
            self._waiting[number] = terms
            while self._next in self._waiting:
                for out, term in self._waiting.pop(self._next):
                    out += term.to(out.dtype)  # Faster than an addition of two dtypes.
                self._next += 1


def share_out(tiles: Tiles, terms: Terms) -> None:
    """Adds up what the tiles contribute, in several threads where the tiling says so.

    An operator on all cores ends when the slowest has, a dozen times per tile. Workers with cores
    of their own take tile after tile, and the terms are added in the order of the tiles, so that
    any number of workers gives the same bits.

    Args:
        tiles: The tiles.
        terms: Makes of a tile, its rows and its columns pairs ``(sum, term)``: each term, fresh
            memory, is added to its sum in place.
    """
    turns, workers = Turns(tiles.spans()), tiles.tiling.workers
    # A dispatch mode watches its own thread alone.
    if workers == 1 or is_in_torch_dispatch_mode() or not _LOWERED.acquire(blocking=False):
        _work(tiles, terms, turns)
        return
    inference, threads = torch.is_inference_mode_enabled(), torch.get_num_threads()

    def work(part: Tiles) -> None:
        with torch.inference_mode(inference), torch.no_grad():
            _work(part, terms, turns)

    def use_own_cores() -> None:
        torch.set_num_threads(max(1, threads // workers))

    try:
        use_own_cores()  # BLAS takes the last number that any thread has set.
        with ThreadPoolExecutor(workers, initializer=use_own_cores) as pool:
            try:
                list(pool.map(work, tiles.parts(workers)))
            except BaseException:
                turns.stop()  # An interrupt comes to this thread alone, and the pool waits.
                raise
    finally:
        torch.set_num_threads(threads)
        _LOWERED.release()


def _work(part: Tiles, terms: Terms, turns: Turns) -> None:
    try:
        while (item := turns.take()) is not None:
            number, (rows, columns) = item
            turns.add(number, list(terms(part, rows, columns, part.make(rows, columns))))
    except BaseException:
        turns.stop()
        raise

"""What a callback of the training loop is."""

from __future__ import annotations

from typing import Protocol

from torch_geometric.data import Data

from gclkit.methods import Method


class Callback(Protocol):
    """Called after every epoch.

    It may add numbers to the record of the epoch, which becomes a line of the history in plain
    floats, and must leave the method as it found it. Randomness of its own must not come from the
    global generator, or resumed runs differ.
    """

    def __call__(self, epoch: int, record: dict[str, float], method: Method, data: Data) -> None:
        """Takes the epoch (from 1), its record, the method and the prepared graph."""

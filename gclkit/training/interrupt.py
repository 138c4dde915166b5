"""Ctrl-C and SIGTERM finish the epoch; a second Ctrl-C stops at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class TrainingInterrupted(KeyboardInterrupt):
    """Training was asked to stop, finished its epoch and, if it was given a file, saved its state.

    The loop raises it. A callback that does so itself ends the training without a checkpoint.
    """


class Interruptible:
    """Context in which the first signal is noted, in :attr:`requested`, instead of raised.

    Outside the main thread signals cannot be caught and are left as they are.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interruptible:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def __exit__(self, *error: object) -> None:
        self._restore()

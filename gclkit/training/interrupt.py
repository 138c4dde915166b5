"""Ctrl-C and SIGTERM finish the epoch, and say so; a second Ctrl-C stops at once."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from types import FrameType
from typing import Any

SAVED = b"which is saved; a second Ctrl-C stops at once and saves nothing"
NOT_SAVED = b"nothing is saved without a checkpoint; a second Ctrl-C stops at once"


class TrainingInterrupted(KeyboardInterrupt):
    """Training was asked to stop, finished its epoch and, if it was given a file, saved its state.

    The loop raises it. A callback that does so itself ends the training without a checkpoint.
    """


class Interruptible:
    """Context in which the first signal is noted, in :attr:`requested`, instead of raised.

    A line on standard error says so, since an epoch may last, and where a progress bar stands.
    Outside the main thread signals cannot be caught and are left as they are, and so are those
    that the process ignores, as one does that a shell started in the background.

    Args:
        saves: Whether the state is saved after the epoch, for the line.
    """

    def __init__(self, *, saves: bool) -> None:
        self.requested = False
        self._line = b"\ngclkit: stopping after this epoch, %b\n" % (SAVED if saves else NOT_SAVED)
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interruptible:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) is signal.SIG_IGN:
                    continue
                self._before[number] = signal.signal(number, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        self._restore()
        with suppress(OSError):  # Standard error may be closed; print() might be in the middle.
            os.write(2, self._line)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def __exit__(self, *error: object) -> None:
        self._restore()

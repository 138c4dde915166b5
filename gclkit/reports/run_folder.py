"""The folder of a run: taken by one process, never overwritten unasked, recognised half-written."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import TextIO

from gclkit.reports.files import read_json


class RunFolder:
    """A run folder, held by one process while the context is open.

    It holds ``config.yaml`` from the first moment, ``seed-<s>/`` per seed and, once the run
    is complete, ``report.json``. A folder without the latter is half-written and can be
    resumed. A run that fails before it has saved anything leaves nothing behind but the folders
    above its own. What a process had set aside that was killed before it saved anything comes
    back as soon as the folder is looked at again.

    Args:
        path: The folder.
        force: Replace the run that is there, see :meth:`clear`.
        resume: Go on with the half-written run that is there.

    Raises:
        FileExistsError: If something is there and neither is set, or :obj:`force` meets a
            folder that is not a run.
        FileNotFoundError: If there is nothing to resume.
        BlockingIOError: If another process holds it.
    """

    def __init__(self, path: str | Path, *, force: bool = False, resume: bool = False) -> None:
        self.path = Path(path)
        self.force = force
        self.resume = resume
        self._lock: TextIO | None = None
        self._made = False
        self._holds_other = resume
        if self._aside.exists() or self._moving.exists():
            self._take_lock()
            try:
                self._recover()
            finally:
                self._give_back_lock()
        if resume and not self.config_path.is_file():
            raise FileNotFoundError(f"RunFolder: '{self.path}' holds no run to resume")

    @property
    def config_path(self) -> Path:
        return self.path / "config.yaml"

    def is_complete(self) -> bool:
        """Whether the run that is there has finished."""
        return read_json(self.path / "report.json").get("status") == "complete"

    def seed_folder(self, seed: int) -> Path:
        """Where the files of one seed go."""
        return self.path / f"seed-{seed}"

    def __enter__(self) -> RunFolder:
        occupied = self.path.exists() and (
            not self.path.is_dir() or any(p.name != ".lock" for p in self.path.iterdir())
        )
        if occupied and not self.resume and not self.config_path.is_file():
            raise FileExistsError(
                f"RunFolder: '{self.path}' is not a run folder; choose another --out"
            )
        if occupied and not self.resume and not self.force:
            state = "a complete run" if self.is_complete() else "a half-written run"
            raise FileExistsError(
                f"RunFolder: '{self.path}' holds {state}; choose another --out, or pass --force "
                "to delete it or --resume to go on with it"
            )
        self._made = not self.path.exists()
        self._holds_other = occupied
        self.path.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        return self

    @property
    def can_resume(self) -> bool:
        """Whether this run has written what it takes to go on with it."""
        return self.config_path.is_file() and (self.resume or not self._holds_other)

    def clear(self) -> None:
        """Makes room where :attr:`force` gives up the run that is there; to be called once the
        new one has been accepted. The old one is deleted at the end, or comes back if the new one
        fails before it has saved anything.
        """
        if self.force and not self.resume:
            shutil.rmtree(self._aside, ignore_errors=True)  # Of a process that was killed.
            self._moving.mkdir()
            for entry in self._entries():
                shutil.move(entry, self._moving / entry.name)
            self._moving.rename(self._aside)
            self._holds_other = False

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._lock is not None:
            if error is not None and not self._holds_other and not self._has_saved(error):
                self._forget_start()
            shutil.rmtree(self._aside, ignore_errors=True)
            self._give_back_lock()

    @property
    def _aside(self) -> Path:
        """Where the run is that was given up: all of it, or what deleting has left."""
        return self.path / ".replaced"

    @property
    def _moving(self) -> Path:
        """Where a part of it is, on its way there or back; the rest is in its place."""
        return self.path / ".moving"

    def _entries(self) -> list[Path]:
        """What is there beside the lock and a run that was set aside."""
        hidden = (".lock", self._aside.name, self._moving.name)
        return [p for p in self.path.iterdir() if p.name not in hidden]

    def _recover(self) -> None:
        """Undoes what a process that was killed had begun, unless that has saved something."""
        if self._moving.exists():
            self._bring_back()
        elif not (self.path / "report.json").exists() and not any(
            self.path.glob("seed-*/**/checkpoint*.pt")
        ):
            self._forget_start()

    def _has_saved(self, error: BaseException) -> bool:
        """Whether there is something to go on from; after a stop a configuration is enough."""
        files = [p for entry in self._entries() for p in (entry, *entry.rglob("*")) if p.is_file()]
        stopped = not isinstance(error, Exception) and not self._aside.exists()
        return bool(files) if stopped else any(p != self.config_path for p in files)

    def _forget_start(self) -> None:
        for entry in self._entries():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        if self._aside.exists():
            self._aside.rename(self._moving)
            self._bring_back()
        # The lock of a folder that was there stays: without it two waiting processes could hold
        # two locks.
        if self._made and os.name != "nt":
            shutil.rmtree(self.path, ignore_errors=True)

    def _bring_back(self) -> None:
        for entry in self._moving.iterdir():
            shutil.move(entry, self.path / entry.name)
        self._moving.rmdir()
        self._holds_other = True

    def _take_lock(self) -> None:
        lock = (self.path / ".lock").open("a+", encoding="utf-8")
        try:
            _lock_file(lock)
        except OSError as error:
            lock.close()
            raise BlockingIOError(
                f"RunFolder: '{self.path}' is in use by another process"
            ) from error
        self._lock = lock

    def _give_back_lock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _lock_file(file: TextIO) -> None:
    """Takes a lock that the system gives back when the process ends, however it ends."""
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

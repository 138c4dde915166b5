"""Files that are whole or absent: written beside their place, then moved onto it."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def replacing(path: str | Path, *, keep: Path | None = None) -> Iterator[IO[bytes]]:
    """A file that takes its place when the block ends, and leaves what was there if that fails.

    A reader sees the old file or the new one, also after a crash of the machine.

    Args:
        path: The file; its folder must be there.
        keep: Where the file goes that was there. (default: it is lost)

    Raises:
        OSError: If it cannot be written.
    """
    path = Path(path)
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    _remove_drafts_of_the_dead(path)
    try:
        with draft.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if keep is not None and path.exists():
            os.replace(path, keep)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _remove_drafts_of_the_dead(path: Path) -> None:
    """Removes what processes left that were killed while they wrote this file."""
    for draft in path.parent.glob(f".{glob.escape(path.name)}.*.draft"):
        process = draft.name.split(".")[-2]
        if os.name == "posix" and process.isdigit() and not _is_alive(int(process)):
            draft.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)  # Sends nothing; asks whether it could.
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True

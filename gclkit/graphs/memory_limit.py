"""Whether a file is there and fits into the memory of this machine."""

from __future__ import annotations

import os
from pathlib import Path

from gclkit.checks import reject


def check_file(owner: str, path: Path, *, growth: int = 1) -> Path:
    """Returns ``path`` if it is a file of a size that this machine can hold, else raises.

    Args:
        owner: Function that an error message names.
        path: The file.
        growth: How many times its size the content takes in memory while it is read.
    """
    try:
        there, readable = path.exists(), path.is_file()
        size = path.stat().st_size if readable else 0
    except OSError as error:
        raise OSError(f"{owner}: cannot read '{path}': {error.strerror}") from error
    if not there:
        raise FileNotFoundError(f"{owner}: no file '{path}'")
    if not readable:
        raise IsADirectoryError(f"{owner}: '{path}' is not a file")
    check_size(owner, path, growth * size)
    return path


def check_size(owner: str, path: Path, size: int) -> None:
    """Raises if ``size`` bytes are more than half of the memory of this machine."""
    most = memory_limit()
    if size > most:
        rule = f"a file that takes at most {most} bytes in memory, half of what is here"
        reject(owner, "source", rule, f"{path}: {size}")


def memory_limit() -> int:
    """Half of the memory of this machine in bytes; 8 GiB where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, ValueError, OSError):
        return 2**33

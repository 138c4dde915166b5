"""What is raised over a damaged file by whoever decodes it, and the line that says so."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

# What the decoders of the standard library and NumPy raise on damaged files; an OSError among
# them is a jump to before the beginning.
DECODERS = (
    ValueError,
    OSError,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
    SyntaxError,
    TypeError,
    OverflowError,
    zipfile.BadZipFile,
    zlib.error,
)


def first_line(path: Path, error: BaseException) -> str:
    """The file and the first line of an error, cut where it is long."""
    first = str(error).splitlines() or [type(error).__name__]
    return f"{path}: {first[0][:200]}"

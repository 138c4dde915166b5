"""Where datasets and their processed copies lie."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from gclkit.checks import reject


def data_root(root: str | os.PathLike[str] | None = None) -> Path:
    """The folder of the datasets.

    Args:
        root: Given by the caller. Otherwise ``$GCLKIT_DATA``, else ``datasets`` under the
            current folder if it exists, else the user's data folder.
    """
    if root is not None:
        if not isinstance(root, (str, os.PathLike)) or "\0" in os.fspath(root):
            reject("load", "root", "a path", root)
        return Path(root).expanduser()
    if os.environ.get("GCLKIT_DATA"):
        return Path(os.environ["GCLKIT_DATA"]).expanduser()
    return Path("datasets") if Path("datasets").is_dir() else user_folder("data")


def cache_root() -> Path:
    """The folder of processed copies: ``$GCLKIT_CACHE``, else the user's cache folder."""
    if os.environ.get("GCLKIT_CACHE"):
        return Path(os.environ["GCLKIT_CACHE"]).expanduser()
    return user_folder("cache")


def user_folder(kind: str) -> Path:
    """The user's own folder of gclkit for ``"data"`` or ``"cache"``, by the platform's custom."""
    if sys.platform == "darwin":
        places = {"data": "~/Library/Application Support", "cache": "~/Library/Caches"}
        return Path(places[kind]).expanduser() / "gclkit"
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path("~/AppData/Local").expanduser())
        return Path(base) / "gclkit" / kind
    places = {"data": "~/.local/share", "cache": "~/.cache"}
    base = os.environ.get(f"XDG_{kind.upper()}_HOME") or places[kind]
    return Path(base).expanduser() / "gclkit"


def writable(folder: Path) -> bool:
    """Whether files may be made in ``folder``, or in the nearest parent that exists.

    A folder without any write permission bit counts as read-only for the superuser too, whom
    the system would let write there.
    """
    while not folder.exists():
        if folder.parent == folder:
            return False
        folder = folder.parent
    bits = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
    return folder.is_dir() and os.access(folder, os.W_OK) and bool(folder.stat().st_mode & bits)

"""Checkpoints that survive a crash at any moment: tensors and plain values, written atomically."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import torch

from gclkit.atomic import replacing
from gclkit.checks import Rejected, reject

VERSION = 2


def previous_checkpoint(path: str | Path) -> Path:
    """Where the checkpoint before the last one is kept."""
    path = Path(path)
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def save_checkpoint(path: str | Path, state: dict[str, Any]) -> None:
    """Writes a checkpoint so that a readable one exists at every moment.

    The file is written beside its place, forced to the disk and renamed; the one that was
    there is kept under :func:`previous_checkpoint`.

    Args:
        path: The file.
        state: Tensors, numbers, strings, and lists and dicts of them.

    Raises:
        OSError: If it cannot be written, for want of space for instance; what was there
            is left as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with replacing(path, keep=previous_checkpoint(path)) as file:
            torch.save({"version": VERSION, **state}, file)
    except (OSError, RuntimeError) as error:  # torch reports a full disk by the latter.
        raise OSError(f"save_checkpoint: cannot write '{path.name}': {error}") from error
    _sync_folder(path.parent)


def load_checkpoint(path: str | Path, *, device: str | torch.device = "cpu") -> dict[str, Any]:
    """Reads a checkpoint, or the one before it where the last is missing or unreadable.

    Nothing in the file is executed (``weights_only``).

    Args:
        path: The file.
        device: Where its tensors go.

    Raises:
        OSError: If there is none.
        ValueError: If neither file is a checkpoint of a known version.
    """
    path = Path(path)
    candidates = [p for p in (path, previous_checkpoint(path)) if p.exists()]
    if not candidates:
        raise FileNotFoundError(f"load_checkpoint: no checkpoint at '{path}'")
    failure: ValueError | None = None
    for candidate in candidates:
        try:
            return _read(candidate, device)
        except ValueError as error:
            failure = failure or error
    assert failure is not None
    raise failure


def _read(path: Path, device: str | torch.device) -> dict[str, Any]:
    rule = "a checkpoint that gclkit wrote"
    try:
        if not zipfile.is_zipfile(path):  # torch also reads older forms, which gclkit never wrote.
            reject("load_checkpoint", "path", rule, str(path))
        state = torch.load(path, map_location=device, weights_only=True)
    except Rejected:
        raise
    except Exception:  # A damaged file can fail anywhere in the reader.
        reject("load_checkpoint", "path", rule, str(path))
    if not isinstance(state, dict) or "version" not in state:
        reject("load_checkpoint", "path", rule, str(path))
    if state["version"] != VERSION:
        rule = f"a checkpoint of version {VERSION}"
        reject("load_checkpoint", "path", rule, f"version {state['version']}")
    return state


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

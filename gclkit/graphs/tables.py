"""Whole numbers from text files: edge lists and labels."""

from __future__ import annotations

import gzip
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from gclkit.checks import Rejected, reject
from gclkit.graphs.decoders import DECODERS, first_line
from gclkit.graphs.memory_limit import check_file, check_size, memory_limit

# A short line takes some ten times its length as a Python string.
_LINES = 10


def read_table(
    owner: str, path: Path, *, columns: int, weights: bool = False
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any] | None]:
    """Reads whole numbers from a text file, separated by commas, tabs or spaces.

    Lines that are empty or begin with ``#`` or ``%`` are passed over, and so is one heading.

    Args:
        owner: Function that an error message names.
        path: The file; ``.gz`` is unpacked.
        columns: Number of leading columns that hold whole numbers.
        weights: Whether one more column of numbers may follow.

    Returns:
        The whole numbers [lines, columns] in int64, and the further column, or None.

    Raises:
        OSError: If the file is missing or cannot be opened.
        ValueError: If a line holds something else.
    """
    check_file(owner, path, growth=_LINES)
    rule = f"a text file with {columns} whole numbers in each line"
    try:
        text = _read_text(owner, path)
        lines = [line for line in text.splitlines() if line.strip() and line[0] not in "#%"]
    except Rejected:
        raise
    except DECODERS as error:
        reject(owner, "source", rule, first_line(path, error))
    if not lines:
        return np.zeros((0, columns), dtype=np.int64), None
    delimiter = "," if "," in lines[0] else None
    width = len(lines[0].split(delimiter))
    if not columns <= width <= columns + weights:
        reject(owner, "source", rule, f"{path}: {width} columns")
    if not _is_number(lines[0].split(delimiter)[0]):
        lines = lines[1:]
        if not lines:
            return np.zeros((0, columns), dtype=np.int64), None
    kinds: list[tuple[str, Any]] = [(f"c{i}", np.int64) for i in range(columns)]
    kinds += [("weight", np.float64)] if width > columns else []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            table = np.loadtxt(
                lines, dtype=np.dtype(kinds), delimiter=delimiter, comments=None, ndmin=1
            )
    except (ValueError, OverflowError, Warning) as error:
        reject(owner, "source", rule, first_line(path, error))
    whole = np.stack([table[f"c{i}"] for i in range(columns)], axis=1)
    return whole, table["weight"].copy() if width > columns else None


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _read_text(owner: str, path: Path) -> str:
    if path.suffix != ".gz":
        return path.read_text(encoding="utf-8-sig")
    with gzip.open(path) as file:
        content = file.read(memory_limit() // _LINES + 1)
    check_size(owner, path, _LINES * len(content))
    return content.decode("utf-8-sig")

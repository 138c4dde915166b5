"""Text, YAML and JSON of a run, each written whole; JSON that may be missing or damaged."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from gclkit.atomic import replacing
from gclkit.checks import reject


def write_text(path: str | Path, text: str) -> Path:
    """Writes ``text`` in UTF-8, in one step: a reader sees the old file or the new one."""
    with replacing(path) as file:
        file.write(text.encode())
    return Path(path)


def write_yaml(path: str | Path, values: dict[str, Any]) -> Path:
    """Writes plain values as YAML, keys in their order.

    Raises:
        ValueError: If a value is not plain.
    """
    try:
        text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
    except yaml.YAMLError as error:
        reject("write_yaml", "values", "plain values", str(error))
    return write_text(path, text)


def to_json(value: Any) -> str:
    """JSON text of a nest of dicts, lists, arrays and plain values.

    Raises:
        ValueError: If a number is NaN or infinite, or a value has no JSON form.
    """
    return json.dumps(_plain(value, "report"), indent=1, ensure_ascii=False) + "\n"


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; an empty one where there is no such file or it is damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _plain(value: Any, place: str) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(entry, f"{place}.{key}") for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry, f"{place}[{i}]") for i, entry in enumerate(value)]
    if isinstance(value, (np.ndarray, np.generic)) or hasattr(value, "tolist"):
        return _plain(value.tolist(), place)
    if isinstance(value, float) and not math.isfinite(value):
        reject("to_json", place, "finite", value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    reject("to_json", place, "a number, text, list or dict", type(value).__name__)

"""Datasets on disk: read once through PyG, kept as plain tensors, never half-written."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch_geometric.data import Data

from gclkit.atomic import replacing
from gclkit.graphs.datasets import DATASETS, Dataset
from gclkit.graphs.folders import cache_root, writable
from gclkit.sparse import csr_tensor

FORMAT = 1
SECONDS_BEFORE_SWEEP = 24 * 3600


class Damaged(ValueError):
    """The files of a dataset are there but do not make that dataset."""


def stored(name: str, root: Path, log: Callable[[str], None] | None) -> Data:
    """Reads a dataset from ``root``, downloading it there if it is absent.

    The processed copy lies in ``root/<folder>/processed`` if that can be written, else in the
    user's cache folder, under a name that follows from the content of the raw files. It is
    written beside its place and renamed, so two processes do not collide and an interruption
    leaves nothing. Damaged files are replaced once, after the new ones have been verified.

    Raises:
        OSError: One line: the files are absent and cannot be had, or ``root`` not be written.
        Damaged: The files are not those of the dataset, and new ones are no better.
    """
    info = DATASETS[name]
    folder = root / info.folder
    damage = ""
    if on_disk(name, root):
        try:
            return _read(name, folder, log)
        except Damaged as error:
            damage = f"; {error}"
    if not writable(folder):
        raise PermissionError(f"load: {name} is not in '{root}', which cannot be written{damage}")
    if log is not None:
        log(f"{name}: downloading to '{folder}'{damage}")
    _download(name, root, damage)
    return _read(name, folder, log)


def on_disk(name: str, root: Path) -> bool:
    """Whether all files of a dataset are under ``root``."""
    info = DATASETS[name]
    return bool(info.files) and all((root / info.folder / file).is_file() for file in info.files)


def _read(name: str, folder: Path, log: Callable[[str], None] | None) -> Data:
    info = DATASETS[name]
    copy_name = f"gclkit-{info.folder}-{_fingerprint(folder, info)}.pt"
    store = folder / "processed" if writable(folder) else cache_root() / "processed"
    data = _read_copy(store / copy_name)
    if data is not None and _mismatch(info, data) is None:
        return data
    kept = writable(store)
    if kept:
        store.mkdir(parents=True, exist_ok=True)
    with _scratch(store if kept else Path(tempfile.gettempdir())) as scratch:
        (scratch / info.folder).mkdir()
        for part in {file.partition("/")[0] for file in info.files}:
            _link(folder / part, scratch / info.folder / part)
        data = _build(name, scratch)
        if kept:
            _write_copy(data, store / copy_name)
        elif log is not None:
            log(f"{name}: no processed copy kept, '{store}' cannot be written")
    return data


def _build(name: str, scratch: Path) -> Data:
    from gclkit.graphs.pyg_datasets import build

    try:
        data = build(name, scratch)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # Whatever a reader makes of damaged files.
        lines = str(error).splitlines() or [""]
        raise Damaged(
            f"its files are damaged ({type(error).__name__}: {lines[0][:200]})"
        ) from error
    difference = _mismatch(DATASETS[name], data)
    if difference is not None:
        raise Damaged(f"its files are damaged ({difference})")
    return data


def _download(name: str, root: Path, damage: str) -> None:
    info, fresh = DATASETS[name], not root.exists()
    try:
        root.mkdir(parents=True, exist_ok=True)
        for last in (False, True):
            with _scratch(root) as scratch:
                try:
                    _build(name, scratch)
                except Damaged:
                    if last:
                        raise
                    continue
                _move(scratch / info.folder, root / info.folder, scratch / "old", info)
                return
    except Damaged as error:
        raise Damaged(f"load: {name} was downloaded twice and {error}") from error
    except OSError as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise ConnectionError(
            f"load: {name} is not in '{root}' and cannot be downloaded ({lines[0][:200]}){damage}"
        ) from error
    finally:
        if fresh:
            with contextlib.suppress(OSError):  # It stays where something was put into it.
                root.rmdir()


def _move(new: Path, folder: Path, old: Path, info: Dataset) -> None:
    folder.mkdir(exist_ok=True)
    old.mkdir()
    for part in sorted({file.partition("/")[0] for file in info.files}):
        with contextlib.suppress(FileNotFoundError):
            os.rename(folder / part, old / part)
        try:
            os.rename(new / part, folder / part)
        except OSError:
            # Another process may have put its own verified files there in between: they stay.
            if not (folder / part).is_dir():
                raise


@contextlib.contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    for left in parent.glob(".gclkit-*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > SECONDS_BEFORE_SWEEP:
                shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=".gclkit-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _link(target: Path, link: Path) -> None:
    try:
        link.symlink_to(target.resolve(), target_is_directory=True)
    except (OSError, NotImplementedError):  # Windows without the right to make links.
        shutil.copytree(target, link)


def _fingerprint(folder: Path, info: Dataset) -> str:
    digest = hashlib.sha256(f"format {FORMAT};".encode())
    for name in info.files:
        content = (folder / name).read_bytes()
        digest.update(f"{name} {len(content)};".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def _mismatch(info: Dataset, data: Data) -> str | None:
    found = {
        "nodes": int(data.x.size(0)),
        "edges": int(data.edge_index.size(1)),
        "features": int(data.x.size(1)),
        "classes": int(data.y.max()) + 1 if data.y.numel() else 0,
    }
    for what, count in found.items():
        expected = getattr(info, what)
        if expected is not None and count != expected:
            return f"{count} {what} where {expected} are expected"
    return None


def _write_copy(data: Data, path: Path) -> None:
    content: dict[str, Tensor | list[int]] = {}
    for key, value in data.to_dict().items():
        if isinstance(value, Tensor) and value.layout == torch.sparse_csr:
            content[f"{key}.crow"] = value.crow_indices()
            content[f"{key}.col"] = value.col_indices()
            content[f"{key}.values"] = value.values()
            content[f"{key}.size"] = list(value.shape)
        elif isinstance(value, Tensor):
            content[key] = value.contiguous()
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with replacing(path) as file:
        file.write(buffer.getvalue())


def _read_copy(path: Path) -> Data | None:
    if not path.is_file():
        return None
    try:
        content = torch.load(path, weights_only=True)
        data = Data()
        for key, value in content.items():
            if "." not in key:
                data[key] = value
        if "x.crow" in content:
            crow, col, values = (content[f"x.{part}"] for part in ("crow", "col", "values"))
            data.x = csr_tensor(crow, col, values, content["x.size"], check=True)
        return data if data.x is not None and data.edge_index is not None else None
    except Exception:  # Damaged: it is made anew from the raw files.
        return None

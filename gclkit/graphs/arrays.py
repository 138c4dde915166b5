"""Arrays from files that nobody vouches for: no pickles, no surprise in size, no bad index."""

from __future__ import annotations

import ast
import contextlib
import gzip
import math
import os
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import scipy.sparse as sp

from gclkit.checks import Rejected, reject

# As NumPy's own bound: longer literals can exhaust the parser.
_LONGEST_HEADER = 10_000
# A short line takes some ten times its length as a Python string.
_LINES = 10
Arrays = Mapping[str, np.ndarray[Any, Any]]


class NpzFile(Mapping[str, np.ndarray[Any, Any]]):
    """The arrays of an ``.npz`` file by name, each read when it is asked for.

    Sizes are compared before anything is allocated: what a header announces must be there.
    Arrays of pickled objects may lie beside, as in some published files; asking for one is
    refused.

    Args:
        owner: Function that an error message names.
        path: The file.

    Raises:
        OSError: If the file is missing or cannot be opened.
        ValueError: If it is no such file, or an array that is asked for unpacks to more than
            half of the memory of this machine.
    """

    def __init__(self, owner: str, path: Path) -> None:
        self.owner, self.path = owner, check_file(owner, path)
        with self._refusing(), zipfile.ZipFile(path) as archive:
            self._members = {
                info.filename.removesuffix(".npy"): info
                for info in archive.infolist()
                if info.filename.endswith(".npy")
            }

    def __getitem__(self, name: str) -> np.ndarray[Any, Any]:
        info = self._members[name]
        check_size(self.owner, self.path, info.file_size)
        with (
            self._refusing(),
            zipfile.ZipFile(self.path) as archive,
            archive.open(info) as member,
        ):
            return _read_array(member, info.file_size)

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except _DECODERS as error:
            rule = "a readable .npz file without pickled objects"
            reject(self.owner, "source", rule, _why(self.path, error))


def read_npy(owner: str, path: Path) -> np.ndarray[Any, Any]:
    """Reads one ``.npy`` file under the conditions of :class:`NpzFile`."""
    check_file(owner, path)
    try:
        with path.open("rb") as file:
            return _read_array(file, path.stat().st_size)
    except _DECODERS as error:
        reject(owner, "source", "a readable .npy file without pickled objects", _why(path, error))


# What the decoders of the standard library and NumPy raise on damaged files; an OSError among
# them is a jump to before the beginning.
_DECODERS = (
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


def _why(path: Path, error: BaseException) -> str:
    first = str(error).splitlines() or [type(error).__name__]
    return f"{path}: {first[0][:200]}"


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray[Any, Any]:
    with archive.open(info) as member:
        return _read_array(member, info.file_size)


def _read_array(file: IO[bytes], size: int) -> np.ndarray[Any, Any]:
    dtype, shape, fortran = _read_header(file)
    count = math.prod(shape)
    if count * dtype.itemsize > size:
        raise ValueError(f"shape {shape} announced, {size} bytes there")
    content = file.read(count * dtype.itemsize)
    if len(content) != count * dtype.itemsize:
        raise ValueError(f"shape {shape} announced, {len(content)} bytes there")
    flat = np.frombuffer(bytearray(content), dtype=dtype)
    return flat.reshape(shape, order="F" if fortran else "C")


def _read_header(file: IO[bytes]) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    # Not NumPy's own reader: that one mends and evaluates headers in ways that raise anything.
    magic, version = file.read(6), file.read(2)
    if magic != b"\x93NUMPY" or version not in (b"\x01\x00", b"\x02\x00", b"\x03\x00"):
        raise ValueError("no array header")
    length = int.from_bytes(file.read(2 if version == b"\x01\x00" else 4), "little")
    if length > _LONGEST_HEADER:
        raise ValueError(f"an array header of {length} bytes")
    header = ast.literal_eval(file.read(length).decode("utf-8").strip())
    if not isinstance(header, dict) or set(header) != {"descr", "fortran_order", "shape"}:
        raise ValueError("no array header")
    descr, shape = header["descr"], header["shape"]
    if not isinstance(descr, str) or not re.fullmatch(r"[<>|=]?[biufcSU?][0-9]{0,4}", descr):
        raise ValueError(f"dtype {str(descr)[:50]}")
    if not isinstance(shape, tuple) or len(shape) > 8:
        raise ValueError(f"shape {str(shape)[:50]}")
    if any(type(side) is not int or not 0 <= side < 2**62 for side in shape):
        raise ValueError(f"shape {str(shape)[:50]}")
    dtype = np.dtype(descr)
    if dtype.itemsize == 0:
        raise ValueError(f"dtype {descr}")
    return dtype, shape, header["fortran_order"] is True


def read_csr(owner: str, arrays: Arrays, prefix: str) -> sp.csr_matrix:
    """Puts together a matrix from ``<prefix>_{data,indices,indptr,shape}``, indices checked.

    SciPy hands indices to compiled code as they are; one outside the matrix would make that
    read or write foreign memory.

    Raises:
        ValueError: If a part is missing or the parts do not make a matrix.
    """
    names = {part: f"{prefix}_{part}".lstrip("_") for part in ("indices", "indptr", "shape")}
    missing = [name for name in names.values() if name not in arrays]
    if missing:
        reject(owner, "source", f"a file with '{missing[0]}'", sorted(arrays))
    indices, indptr, shape = (arrays[name] for name in names.values())
    what = f"a compressed sparse matrix in '{names['indices']}' and its parts"
    for part in (indices, indptr, shape):
        if part.ndim != 1 or part.dtype.kind not in "iu":
            reject(owner, "source", what, f"{part.dtype}, shape {part.shape}")
    stored = arrays.get(f"{prefix}_data".lstrip("_"))
    data = np.ones(len(indices), dtype=np.float32) if stored is None else stored
    indices, indptr = indices.astype(np.int64), indptr.astype(np.int64)
    rows, columns = (int(side) for side in shape[:2]) if len(shape) == 2 else (-1, -1)
    if data.ndim != 1 or data.dtype.kind not in "biuf" or len(data) != len(indices):
        reject(owner, "source", what, f"{len(indices)} indices, data {data.dtype} {data.shape}")
    if rows < 0 or columns < 0 or len(indptr) != rows + 1:
        reject(owner, "source", what, f"shape {shape.tolist()[:4]}, {len(indptr)} row pointers")
    if indptr[0] != 0 or indptr[-1] != len(indices) or (np.diff(indptr) < 0).any():
        reject(owner, "source", what, "row pointers that do not rise from 0 to the end")
    if len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < columns:
        reject(owner, "source", what, f"column {int(indices.max())} of {columns}")
    matrix = sp.csr_matrix((data, indices, indptr), shape=(rows, columns))
    with np.errstate(over="ignore", invalid="ignore"):  # Readers look for what is not finite.
        matrix.sum_duplicates()
    return matrix


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
    except _DECODERS as error:
        reject(owner, "source", rule, _why(path, error))
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
        reject(owner, "source", rule, _why(path, error))
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

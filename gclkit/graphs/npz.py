"""Arrays from files that nobody vouches for: no pickles, no surprise in size."""

from __future__ import annotations

import ast
import contextlib
import math
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from gclkit.checks import reject
from gclkit.graphs.decoders import DECODERS, first_line
from gclkit.graphs.memory_limit import check_file, check_size

# As NumPy's own bound: longer literals can exhaust the parser.
_LONGEST_HEADER = 10_000


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
        ValueError: If it is not such a file, or an array that is asked for unpacks to more than
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
        except DECODERS as error:
            rule = "a readable .npz file without pickled objects"
            reject(self.owner, "source", rule, first_line(self.path, error))


def read_npy(owner: str, path: Path) -> np.ndarray[Any, Any]:
    """Reads one ``.npy`` file under the conditions of :class:`NpzFile`."""
    check_file(owner, path)
    try:
        with path.open("rb") as file:
            return _read_array(file, path.stat().st_size)
    except DECODERS as error:
        reject(
            owner, "source", "a readable .npy file without pickled objects", first_line(path, error)
        )


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

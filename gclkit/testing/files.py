"""Damaged and hostile files, for tests of whatever reads files that nobody vouches for."""

from __future__ import annotations

import io
import os
import signal
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

# Numbers at the ends of their ranges, and pieces of the formats that are read.
EXTREMES = (
    b"\xff" * 8,
    b"\x00" * 8,
    b"\x80" + b"\x00" * 7,
    b"\x7f" + b"\xff" * 7,
    b"-1",
    b"1e999",
    b"nan",
    b"99999999999999999999",
    b"9" * 5000,
    b"0.5",
    b"\n",
    b",",
    b"<",
    b"&lt;",
    b'"',
    b"{",
    b"[" * 2000,
    b": ",
    b"- ",
    b"\xed\xa0\x80",
    b"<!DOCTYPE a [",
    b"<!ENTITY a 'b'>",
    b"(99999999,)",
    b"'|O'",
    b"&a [*a]",
    b"2001-99-99",
    b"!!python/object/apply:os.mkdir [executed]",
)
KINDS = ("overwrite", "insert", "delete", "repeat", "cut", "flip")


class Edit(NamedTuple):
    """One change to a file.

    Args:
        kind: One of ``KINDS``.
        place: Where, as a share of the length.
        length: How many bytes are deleted or repeated; which bit is flipped.
        filling: What is written.
    """

    kind: str
    place: float
    length: int
    filling: bytes


class Payload:
    """Makes a folder when it is unpickled, so that a test can see that it was.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> tuple[Callable[..., None], tuple[str]]:
        return os.mkdir, (self.folder,)


def mutate(content: bytes, edits: Sequence[Edit]) -> bytes:
    """Applies edits to the content of a file, one after the other."""
    new = bytearray(content)
    for kind, place, length, filling in edits:
        at = int(place * len(new))
        if kind == "overwrite":
            new[at : at + len(filling)] = filling
        elif kind == "insert":
            new[at:at] = filling
        elif kind == "delete":
            del new[at : at + length]
        elif kind == "repeat":
            new[at:at] = new[at : at + length] * 3
        elif kind == "cut":
            del new[at:]
        elif kind == "flip" and new:
            new[min(at, len(new) - 1)] ^= 1 << (length % 8)
    return bytes(new)


def archive(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """The bytes of a zip file, which an ``.npz`` is."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


def edits() -> SearchStrategy[list[Edit]]:
    """A hypothesis strategy of one to four edits."""
    from hypothesis import strategies as st

    filling = st.sampled_from(EXTREMES) | st.binary(max_size=12)
    edit = st.builds(Edit, st.sampled_from(KINDS), st.floats(0, 1), st.integers(1, 40), filling)
    return st.lists(edit, min_size=1, max_size=4)


def mutated(*bases: bytes) -> SearchStrategy[bytes]:
    """A hypothesis strategy of random bytes, and of these files as they are or after edits."""
    from hypothesis import strategies as st

    base = st.sampled_from(bases)
    return st.one_of(base, st.binary(max_size=80), *[st.builds(mutate, base, edits())] * 4)


def mutated_archives(*bases: Mapping[str, bytes]) -> SearchStrategy[bytes]:
    """A hypothesis strategy of archives with one member edited, or edited as a whole.

    An edit of the whole fails the check sum of the archive and is refused there; the edit of a
    member reaches the readers behind it.
    """
    from hypothesis import strategies as st

    def edit_member(members: Mapping[str, bytes], which: int, changes: list[Edit]) -> bytes:
        name = sorted(members)[which % len(members)]
        return archive({**members, name: mutate(members[name], changes)})

    inside = st.builds(edit_member, st.sampled_from(bases), st.integers(0, 20), edits())
    packed = [archive(base, zipfile.ZIP_DEFLATED) for base in bases]
    return st.one_of(inside, inside, inside, mutated(*packed))


def reads_or_refuses(
    path: Path, read: Callable[[Path], Any], owners: Sequence[str], *, seconds: int = 5
) -> bool:
    """Whether a file is read; asserts that it is refused in one line otherwise, and in time.

    Args:
        path: The file.
        read: The reader.
        owners: How the line may begin: ``owner: ...``.
        seconds: Processor time that the reader may take, so that a machine busy with other
            work is no hang; only on systems with ``SIGPROF``.

    Raises:
        AssertionError: If the refusal has no owner or several lines, or takes too long.
    """

    def overdue(*_: object) -> None:
        raise AssertionError(f"a file took more than {seconds} seconds")

    previous = signal.signal(signal.SIGPROF, overdue)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        read(path)
        return True
    except (ValueError, OSError) as refusal:
        text = str(refusal)
        if not text.startswith(tuple(f"{owner}: " for owner in owners)):
            raise AssertionError(f"no owner of {list(owners)}: {refusal!r}") from refusal
        if "\n" in text or len(text) > 3000:
            raise AssertionError(f"not one line: {refusal!r}") from refusal
        return False
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)

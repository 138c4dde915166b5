import io
import pickle
import zipfile

import pytest
from hypothesis import given, settings

from gclkit.testing.files import (
    Edit,
    Payload,
    archive,
    mutate,
    mutated,
    mutated_archives,
    reads_or_refuses,
)


@pytest.mark.parametrize(
    "edit, expected",
    [
        (Edit("overwrite", 0.5, 1, b"xy"), b"abcxyf"),
        (Edit("insert", 0.5, 1, b"xy"), b"abcxydef"),
        (Edit("delete", 0.5, 2, b"xy"), b"abcf"),
        (Edit("repeat", 0.5, 2, b""), b"abcdededef"),
        (Edit("cut", 0.5, 1, b""), b"abc"),
        (Edit("flip", 1.0, 2, b""), b"abcdeb"),
    ],
)
def test_each_edit(edit, expected):
    if edit.kind == "repeat":
        expected = b"abc" + b"de" * 3 + b"def"
    assert mutate(b"abcdef", [edit]) == expected


def test_edits_of_nothing():
    assert mutate(b"", [Edit("flip", 1.0, 3, b""), Edit("insert", 0.3, 1, b"a")]) == b"a"


def test_a_payload_is_executed_where_it_is_obeyed(tmp_path):
    pickle.loads(pickle.dumps(Payload(tmp_path / "executed")))
    assert (tmp_path / "executed").is_dir()


@given(mutated(b"hello"))
@settings(max_examples=30, deadline=None)
def test_mutated_files_are_bytes(content):
    assert isinstance(content, bytes)


def test_an_archive_with_an_edited_member_is_still_an_archive():
    intact = []

    @given(mutated_archives({"a": b"hello", "b": b"world"}))
    @settings(max_examples=60, deadline=None)
    def run(content):
        intact.append(zipfile.is_zipfile(io.BytesIO(content)))

    run()
    assert sum(intact) > len(intact) / 4
    assert archive({"a": b"hello"})[:2] == b"PK"


def refuse(text):
    def read(path):
        raise ValueError(text)

    return read


def hang(path):
    while True:
        pass


def test_what_is_let_through(tmp_path):
    assert reads_or_refuses(tmp_path, lambda path: 3, ("load",))
    assert not reads_or_refuses(tmp_path, refuse("load: 'x' must be"), ("load",))


@pytest.mark.parametrize(
    "read, message",
    [
        (refuse("no owner"), r"no owner of \['load'\]"),
        (refuse("loader: 'x' must be"), r"no owner of \['load'\]"),
        (refuse("load: two\nlines"), "not one line"),
        (refuse("load: " + "a" * 4000), "not one line"),
        (hang, "took more than 1 seconds"),
    ],
)
def test_what_is_seen(read, message, tmp_path):
    with pytest.raises(AssertionError, match=message):
        reads_or_refuses(tmp_path, read, ("load",), seconds=1)


def test_other_errors_pass(tmp_path):
    with pytest.raises(KeyError):
        reads_or_refuses(tmp_path, lambda path: {}["x"], ("load",))

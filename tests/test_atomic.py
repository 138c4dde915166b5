import os
import subprocess
import sys

import numpy as np
import pytest

from gclkit.atomic import replacing


def test_the_old_file_is_there_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "a.npy"
    for value in (3, 7):
        with replacing(str(path)) as file:
            np.save(file, np.full(5, value))
            assert value == 3 or np.load(path)[0] == 3
        assert np.load(path)[0] == value and os.listdir(tmp_path) == ["a.npy"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failed_write_leaves_the_old_file_alone(tmp_path, error):
    (tmp_path / "a").write_text("old")
    with pytest.raises(error), replacing(tmp_path / "a") as file:
        file.write(b"ne")
        raise error
    assert (tmp_path / "a").read_text() == "old" and os.listdir(tmp_path) == ["a"]


def test_a_full_disk_leaves_the_old_file_alone(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("old")

    def fail(*arguments):
        raise OSError("disk full")

    for step in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, step, fail)
            with pytest.raises(OSError, match="disk full"), replacing(tmp_path / "a") as file:
                file.write(b"new")
        assert (tmp_path / "a").read_text() == "old" and os.listdir(tmp_path) == ["a"]


def test_has_the_mode_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_text("x")
    with replacing(tmp_path / "a") as file:
        file.write(b"y")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_missing_folder_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "missing" / "a"):
        pass


def test_what_a_killed_process_left_is_removed(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for process in (dead.pid, os.getppid()):
        (tmp_path / f".a[**].{process}.draft").write_bytes(b"half")
    with replacing(tmp_path / "a[**]") as file:
        file.write(b"new")
    assert sorted(os.listdir(tmp_path)) == [f".a[**].{os.getppid()}.draft", "a[**]"]


def test_the_file_that_was_there_may_be_kept(tmp_path):
    for text in (b"old", b"new"):
        with replacing(tmp_path / "a", keep=tmp_path / "b") as file:
            file.write(text)
    assert (tmp_path / "a").read_bytes() == b"new" and (tmp_path / "b").read_bytes() == b"old"

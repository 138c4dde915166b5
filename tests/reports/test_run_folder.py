import os
import subprocess
import sys

import pytest

from gclkit.reports import RunFolder, write_yaml


def half_written(path):
    path.mkdir(parents=True)
    write_yaml(path / "config.yaml", {"method": "grace"})
    (path / "seed-0").mkdir()
    (path / "seed-0" / "checkpoint.pt").write_bytes(b"state")


def test_a_new_folder_is_made_and_taken(tmp_path):
    with RunFolder(tmp_path / "runs" / "a") as folder:
        assert folder.path.is_dir() and not folder.is_complete()
        assert folder.seed_folder(3) == folder.path / "seed-3"


def test_a_run_is_never_overwritten_unasked(tmp_path):
    path = tmp_path / "run"
    half_written(path)
    with pytest.raises(
        FileExistsError, match=r"holds a half-written run; choose another --out, or pass --force"
    ):
        RunFolder(path).__enter__()
    (path / "report.json").write_text('{"status": "complete"}')
    with pytest.raises(FileExistsError, match=r"holds a complete run; choose another"):
        RunFolder(path).__enter__()
    assert (path / "seed-0" / "checkpoint.pt").read_bytes() == b"state"
    with RunFolder(path, force=True) as folder:
        assert (path / "seed-0" / "checkpoint.pt").exists(), "nothing of the new run is known yet"
        folder.clear()
        assert not (path / "config.yaml").exists() and not (path / "seed-0").exists()
        (path / "report.json").write_text('{"status": "complete", "seeds": []}')
    assert {p.name for p in path.iterdir()} == {".lock", "report.json"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_run_comes_back_if_the_new_one_fails_before_it_saved_anything(tmp_path, error):
    path = tmp_path / "run"
    half_written(path)
    with pytest.raises(error), RunFolder(path, force=True) as folder:
        folder.clear()
        write_yaml(folder.config_path, {"method": "dgi"})
        raise error
    assert (path / "seed-0" / "checkpoint.pt").read_bytes() == b"state"
    assert "grace" in (path / "config.yaml").read_text() and not folder.can_resume
    assert not (path / ".replaced").exists()
    with pytest.raises(error), RunFolder(path, force=True) as folder:
        folder.clear()
        write_yaml(folder.config_path, {"method": "dgi"})
        (path / "seed-3").mkdir()
        (path / "seed-3" / "checkpoint.pt").write_bytes(b"new")
        raise error
    assert {p.name for p in path.iterdir()} == {".lock", "config.yaml", "seed-3"}
    assert folder.can_resume


def killed_in(path, *, moved=True, config=False, checkpoint=False):
    """What a killed process leaves that was to replace the run in a folder."""
    folder = RunFolder(path, force=True).__enter__()
    folder.clear()
    if not moved:
        (path / ".replaced").rename(path / ".moving")
        (path / ".moving" / "config.yaml").rename(path / "config.yaml")
    if config:
        write_yaml(folder.config_path, {"method": "dgi"})
        folder.seed_folder(3).mkdir()
        (folder.seed_folder(3) / ".checkpoint.pt.17.draft").write_bytes(b"sta")
    if checkpoint:
        (folder.seed_folder(3) / "checkpoint.pt").write_bytes(b"new")
    folder._lock.close()


@pytest.mark.parametrize("state", [{"moved": False}, {}, {"config": True}])
@pytest.mark.parametrize("how", ["force", "resume"])
def test_what_a_killed_process_had_set_aside_comes_back(tmp_path, state, how):
    path = tmp_path / "run"
    half_written(path)
    killed_in(path, **state)
    folder = RunFolder(path, **{how: True})
    assert "grace" in folder.config_path.read_text(), "read before the folder is taken"
    with pytest.raises(ValueError), folder:
        raise ValueError("fails at once")
    assert {p.name for p in path.iterdir()} == {".lock", "config.yaml", "seed-0"}
    assert (path / "seed-0" / "checkpoint.pt").read_bytes() == b"state"


@pytest.mark.parametrize("how", ["force", "resume"])
def test_what_a_killed_process_had_saved_counts(tmp_path, how):
    path = tmp_path / "run"
    half_written(path)
    killed_in(path, config=True, checkpoint=True)
    with pytest.raises(ValueError), RunFolder(path, **{how: True}):
        raise ValueError("fails at once")
    assert {p.name for p in path.iterdir()} == {".lock", "config.yaml", "seed-3"}
    assert (path / "seed-3" / "checkpoint.pt").read_bytes() == b"new"


def test_what_a_living_process_has_set_aside_stays_there(tmp_path):
    path = tmp_path / "run"
    half_written(path)
    with RunFolder(path, force=True) as folder:
        folder.clear()
        with pytest.raises(BlockingIOError, match=r"is in use by another process$"):
            RunFolder(path, resume=True)


def test_a_run_that_is_refused_deletes_nothing(tmp_path):
    path = tmp_path / "run"
    half_written(path)
    with pytest.raises(ValueError), RunFolder(path, force=True):
        raise ValueError("a setting out of range")
    assert (path / "seed-0" / "checkpoint.pt").read_bytes() == b"state"
    with pytest.raises(ValueError), RunFolder(path, resume=True) as folder:
        folder.clear()
        raise ValueError("another")
    assert (path / "seed-0" / "checkpoint.pt").read_bytes() == b"state"


@pytest.mark.parametrize("there_before", [False, True])
def test_a_run_that_fails_before_it_saved_anything_leaves_nothing(tmp_path, there_before):
    path = tmp_path / "run"
    if there_before:
        path.mkdir()
    with pytest.raises(ValueError), RunFolder(path) as folder:
        write_yaml(folder.config_path, {"method": "grace"})
        folder.seed_folder(0).mkdir()
        raise ValueError("refused by the first step")
    with RunFolder(path):  # The corrected command finds its folder free.
        assert [p.name for p in path.iterdir()] == [".lock"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_can_be_resumed_stays(tmp_path, error):
    path = tmp_path / "run"
    with pytest.raises(error), RunFolder(path) as folder:
        write_yaml(folder.config_path, {"method": "grace"})
        folder.seed_folder(0).mkdir()
        if error is ValueError:  # After a stop the configuration is enough.
            (folder.seed_folder(0) / "checkpoint.pt").write_bytes(b"state")
        raise error
    assert folder.config_path.exists()


def test_force_deletes_run_folders_only(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    for force in (False, True):
        with pytest.raises(FileExistsError, match=r"is not a run folder; choose another --out$"):
            RunFolder(tmp_path, force=force).__enter__()
    assert (tmp_path / "thesis.tex").exists()


def test_a_half_written_run_is_resumed(tmp_path):
    path = tmp_path / "run"
    with pytest.raises(FileNotFoundError, match=r"holds no run to resume$"):
        RunFolder(path, resume=True)
    half_written(path)
    with RunFolder(path, resume=True) as folder:
        assert (folder.seed_folder(0) / "checkpoint.pt").exists()


@pytest.mark.skipif(os.name == "nt", reason="the child process is stopped with a POSIX pipe")
def test_a_second_process_is_refused_and_a_dead_one_forgotten(tmp_path):
    path = tmp_path / "run"
    half_written(path)
    code = (
        "import sys; from gclkit.reports import RunFolder\n"
        f"with RunFolder({str(path)!r}, resume=True): print('taken', flush=True); input()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout.readline() == "taken\n"
        with pytest.raises(
            BlockingIOError, match=r"^RunFolder: '.*' is in use by another process$"
        ):
            RunFolder(path, resume=True).__enter__()
        with pytest.raises(BlockingIOError):
            RunFolder(path, force=True).__enter__()
        assert (path / "seed-0" / "checkpoint.pt").exists()
    finally:
        child.kill()
        child.communicate()
    with RunFolder(path, resume=True):
        pass

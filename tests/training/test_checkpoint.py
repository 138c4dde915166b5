import errno
import os
import pickle
import re
import shutil
import subprocess
import sys

import pytest
import torch

from gclkit.training import load_checkpoint, save_checkpoint
from gclkit.training.checkpoint import VERSION, previous_checkpoint


def test_round_trip_keeps_the_one_before(tmp_path):
    path = tmp_path / "very" / "deep" / "checkpoint.pt"
    for epoch in (3, 4):
        save_checkpoint(path, {"epoch": epoch, "model": {"w": torch.full((2,), float(epoch))}})
    assert load_checkpoint(path)["epoch"] == 4
    assert load_checkpoint(path)["model"]["w"].tolist() == [4.0, 4.0]
    assert load_checkpoint(previous_checkpoint(path))["epoch"] == 3
    assert sorted(p.name for p in path.parent.iterdir()) == [
        "checkpoint.previous.pt",
        "checkpoint.pt",
    ]


@pytest.mark.skipif(os.name != "posix", reason="only POSIX opens folders")
def test_the_file_and_then_its_folder_reach_the_disk(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"epoch": 1})
    assert synced == [path.stat().st_ino, tmp_path.stat().st_ino]


@pytest.mark.parametrize("damage", ["truncated", "missing", "garbage"])
def test_falls_back_on_the_one_before(tmp_path, damage):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"epoch": 1})
    save_checkpoint(path, {"epoch": 2})
    if damage == "missing":
        path.unlink()
    else:
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2] if damage == "truncated" else b"\x80nonsense")
    assert load_checkpoint(path)["epoch"] == 1


@pytest.mark.parametrize(
    ("module", "name", "error"),
    [
        (torch, "save", RuntimeError("PytorchStreamWriter failed writing file: write failed")),
        (torch, "save", OSError(errno.ENOSPC, "No space left on device")),
        (os, "fsync", OSError(errno.ENOSPC, "No space left on device")),
    ],
)
def test_a_failed_write_leaves_what_was_there(tmp_path, monkeypatch, module, name, error):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"epoch": 1})

    def full(*_args):
        raise error

    monkeypatch.setattr(module, name, full)
    sentence = f"save_checkpoint: cannot write 'checkpoint.pt': {error}"
    with pytest.raises(OSError, match=f"^{re.escape(sentence)}$"):
        save_checkpoint(path, {"epoch": 2})
    assert load_checkpoint(path)["epoch"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.pt"]


FULL_DISK = """
import sys, torch
from gclkit.training import load_checkpoint, save_checkpoint

path = sys.argv[1] + "/checkpoint.pt"
for epoch in (1, 2):
    save_checkpoint(path, {"epoch": epoch, "weight": torch.full((300, 100), float(epoch))})
for size in (1 << 20, 230_000):  # More than the disk has; and more than two others leave.
    try:
        save_checkpoint(path, {"epoch": 3, "weight": torch.ones(size)})
    except OSError as error:
        print(error)
    state = load_checkpoint(path)
    assert state["epoch"] == 2 and (state["weight"] == 2).all()
import os
print(sorted(os.listdir(sys.argv[1])))
"""


@pytest.mark.slow
def test_a_full_disk_is_named_and_the_last_checkpoint_stays(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=1m tmpfs '{disk}'"
    private = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if shutil.which("unshare") is None or subprocess.run([*private, mount]).returncode:
        pytest.skip("needs the right to mount a small disk: unshare --mount and tmpfs")
    (tmp_path / "full_disk.py").write_text(FULL_DISK)
    command = f"{mount} && '{sys.executable}' '{tmp_path / 'full_disk.py'}' '{disk}'"
    done = subprocess.run([*private, command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *errors, left = done.stdout.splitlines()
    assert len(errors) == 2
    assert all(e.startswith("save_checkpoint: cannot write 'checkpoint.pt': ") for e in errors)
    assert left == "['checkpoint.previous.pt', 'checkpoint.pt']"


def test_what_a_killed_process_left_is_removed(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    path = tmp_path / "checkpoint.pt"
    for process in (dead.pid, os.getppid()):
        (tmp_path / f".checkpoint.pt.{process}.draft").write_bytes(b"half")
    save_checkpoint(path, {"epoch": 3})
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        f".checkpoint.pt.{os.getppid()}.draft",
        "checkpoint.pt",
    ]


def test_a_crash_between_the_renames_loses_nothing(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"epoch": 1})
    replace, calls = os.replace, []

    def crash(source, target):
        calls.append(target)
        if len(calls) == 2:
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(path, {"epoch": 2})
    assert load_checkpoint(path)["epoch"] == 1


class Payload:
    def __reduce__(self):
        return (os.mkdir, ("executed",))


def test_executes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, write in (
        ("torch.pt", lambda p: torch.save({"version": VERSION, "x": Payload()}, p)),
        ("plain.pt", lambda p: p.write_bytes(pickle.dumps(Payload()))),
    ):
        write(tmp_path / name)
        with pytest.raises(ValueError, match=r"^load_checkpoint: 'path' must be a checkpoint that"):
            load_checkpoint(tmp_path / name)
    assert not (tmp_path / "executed").exists()


def test_refuses_other_versions_and_no_file(tmp_path):
    path = tmp_path / "checkpoint.pt"
    torch.save({"version": 99}, path)
    sentence = "load_checkpoint: 'path' must be a checkpoint of version 2 (got 'version 99')"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        load_checkpoint(path)
    with pytest.raises(FileNotFoundError, match=r"^load_checkpoint: no checkpoint at "):
        load_checkpoint(tmp_path / "nothing.pt")


def test_a_refusal_is_raised_once(tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"^load_checkpoint: 'path' must be a checkp") as refusal:
        load_checkpoint(tmp_path / "checkpoint.pt")
    assert refusal.value.__context__ is None

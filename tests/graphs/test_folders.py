import sys
from pathlib import Path

import pytest

from gclkit.graphs.folders import cache_root, data_root, user_folder, writable


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path):
    for name in ("GCLKIT_DATA", "GCLKIT_CACHE", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.chdir(tmp_path)


def test_the_order_of_places(monkeypatch, tmp_path):
    assert data_root() == tmp_path / "home/.local/share/gclkit"
    monkeypatch.setenv("XDG_DATA_HOME", "/xdg")
    assert data_root() == Path("/xdg/gclkit")
    (tmp_path / "datasets").mkdir()
    assert data_root() == Path("datasets")
    monkeypatch.setenv("GCLKIT_DATA", "/shared")
    assert data_root() == Path("/shared")
    assert data_root("mine") == Path("mine")
    assert data_root("~/mine") == tmp_path / "home/mine"


def test_the_cache(monkeypatch, tmp_path):
    assert cache_root() == tmp_path / "home/.cache/gclkit"
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_root() == Path("/xdg/gclkit")
    monkeypatch.setenv("GCLKIT_CACHE", "/elsewhere")
    assert cache_root() == Path("/elsewhere")


def test_other_platforms(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert user_folder("data") == tmp_path / "home/Library/Application Support/gclkit"
    assert user_folder("cache") == tmp_path / "home/Library/Caches/gclkit"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", "/local")
    assert user_folder("cache") == Path("/local/gclkit/cache")


def test_writable_looks_at_the_nearest_parent(tmp_path):
    assert writable(tmp_path) and writable(tmp_path / "not/yet/there")
    (tmp_path / "file").write_text("")
    assert not writable(tmp_path / "file") and not writable(tmp_path / "file/below")
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    assert not writable(locked) and not writable(locked / "below")

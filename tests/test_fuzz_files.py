"""Every other reader of files against mutated and planted ones: a value, or one line."""

import io
import pickle

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings

from gclkit.evaluators import read_embeddings
from gclkit.reports import read_report
from gclkit.testing.files import Payload, mutated, reads_or_refuses
from gclkit.training import load_checkpoint, read_config, save_checkpoint

KINDS = ["configuration", "checkpoint", "embeddings.npy", "embeddings.pt", "report"]
CONFIG = b"""method: grace
dataset: digits
model: {out_channels: 16, edge_p: [0.2, 0.4]}
training:
  epochs: 3
  lr: 0.01
run: {seeds: [0, 1]}
"""
TAGS = b"""method: !!python/object/apply:os.mkdir ["%s"]
dataset: !!python/name:os.system
"""
LAUGHS = b"method: &a [x, x]\n" + b"".join(
    b"k%d: &%c [%s]\n" % (i, 98 + i, b", ".join([b"*%c" % (97 + i)] * 9)) for i in range(9)
)
REPORT = (
    b'{"schema": 1, "status": "complete", "method": "grace", "results": {"classification": {}}}'
)


def saved(content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def loader(kind, folder):
    bare = pickle.dumps(Payload(folder / "executed"))
    hostile = saved({"version": 1, "embeddings": Payload(folder / "executed")})
    if kind == "configuration":
        tags = TAGS % str(folder / "executed").encode()
        return (
            ".yaml",
            mutated(CONFIG, tags, LAUGHS, bare),
            read_config,
            ("read_config", "method_class", "RunSettings"),
        )
    if kind == "checkpoint":
        save_checkpoint(folder / "good.pt", {"epoch": 3, "weight": torch.ones(4), "name": "a"})
        good = (folder / "good.pt").read_bytes()
        return ".pt", mutated(good, hostile, bare), load_checkpoint, ("load_checkpoint",)
    if kind == "embeddings.npy":
        buffer = io.BytesIO()
        np.save(buffer, np.arange(12.0).reshape(4, 3))
        return ".npy", mutated(buffer.getvalue(), bare), read_embeddings, ("read_embeddings",)
    if kind == "embeddings.pt":
        good = saved(torch.arange(12.0).reshape(4, 3))
        boxed = saved({"z": torch.arange(12.0).reshape(4, 3)})
        contents = mutated(good, boxed, hostile, bare)
        return ".pt", contents, read_embeddings, ("read_embeddings",)
    return ".json", mutated(REPORT, bare), read_report, ("read_report",)


def fuzz(kind, count, folder):
    ending, contents, read, owners = loader(kind, folder)
    path = folder / f"fuzzed{ending}"
    outcomes = []

    @given(contents)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def run(content):
        path.write_bytes(content)
        outcomes.append(reads_or_refuses(path, read, owners))

    run()
    assert not (folder / "executed").exists(), "a payload was executed"
    return outcomes


@pytest.mark.parametrize("kind", KINDS)
def test_some_files(kind, tmp_path):
    outcomes = fuzz(kind, 150, tmp_path)
    assert len(outcomes) >= 100 and any(outcomes)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_twenty_thousand_files(kind, tmp_path):
    assert len(fuzz(kind, 20_500, tmp_path)) >= 20_000


def test_a_file_that_refers_to_itself_a_billion_times_is_refused_at_once(tmp_path):
    (tmp_path / "config.yaml").write_bytes(LAUGHS)
    assert not reads_or_refuses(tmp_path / "config.yaml", read_config, ("read_config",))


@pytest.mark.parametrize("content", [b"[" * 100_000, b"{a: " * 20_000, b"a: " + b"9" * 6000])
def test_files_that_exhaust_a_parser(content, tmp_path):
    for read, owner in ((read_config, "read_config"), (read_report, "read_report")):
        (tmp_path / "file").write_bytes(content)
        assert not reads_or_refuses(tmp_path / "file", read, (owner,))

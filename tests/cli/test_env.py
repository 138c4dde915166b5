import importlib.metadata

import pytest
import torch

import gclkit
from gclkit.cli.main import main


def test_prints_what_a_bug_report_needs(capsys):
    assert main(["env"]) == 0
    rows = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert rows["gclkit"] == gclkit.__version__ and rows["torch"] == torch.__version__
    assert {"python", "numpy", "graspologic-native", "gpu", "GCLKIT_DATA"} <= set(rows)


def test_says_whether_the_cpu_multiplies_bfloat16_faster(capsys, monkeypatch, tmp_path):
    assert main(["env"]) == 0
    assert "bfloat16 on the cpu  yes" in capsys.readouterr().out
    monkeypatch.setattr("gclkit.bfloat16.CPUINFO", tmp_path / "no such file")
    assert main(["env"]) == 0
    assert "bfloat16 on the cpu  no faster, so multiplied in float32" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("gpu", "triton", "backends"),
    [
        (True, "3.1", "reference, blockwise, triton"),
        (True, None, "reference, blockwise"),
        (False, "3.1", "reference, blockwise"),
    ],
)
def test_names_the_backends_that_this_machine_runs(capsys, monkeypatch, gpu, triton, backends):
    def version(package):
        if package == "triton" and triton is None:
            raise importlib.metadata.PackageNotFoundError
        return "3.1"

    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "some GPU")
    assert main(["env"]) == 0
    rows = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert rows["triton"] == (triton or "not installed")
    assert rows["gpu"] == ("some GPU" if gpu else "none")
    assert rows["loss"] == f"backends        {backends}"

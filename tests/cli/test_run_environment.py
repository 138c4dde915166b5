import torch

from gclkit.cli.run_environment import environment, peak_rss_mb
from gclkit.training import RunConfig
from gclkit.training.run_settings import RunSettings


def config(**run):
    return RunConfig("grace", "sbm", model={}, run=RunSettings(**run))


def test_names_the_machine():
    found = environment(config(device="cpu"))
    assert found["torch"] == torch.__version__ and found["threads"] == torch.get_num_threads()
    assert found["device"] == environment(config())["device"] == "cpu"
    assert environment(config(device="cuda:1"))["device"] == "cuda:1"
    assert peak_rss_mb() > 50


def test_says_what_repeats():
    assert environment(config())["determinism"].startswith("bit-identical for one machine, seed")
    assert environment(config(device="cuda:1"))["determinism"].startswith("not guaranteed bit for")


def test_says_in_what_it_multiplied(monkeypatch, tmp_path):
    narrow = RunConfig(
        "grace", "sbm", model={"precision": "bfloat16"}, run=RunSettings(device="cpu")
    )
    assert environment(narrow)["precision"] == "bfloat16"
    monkeypatch.setattr("gclkit.bfloat16.CPUINFO", tmp_path / "no such file")
    assert environment(narrow)["precision"].startswith("float32 (bfloat16 was asked for")
    assert environment(config())["precision"] == "float32"

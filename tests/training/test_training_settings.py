import inspect
from dataclasses import asdict

import numpy as np
import pytest

from gclkit.training import load_checkpoint, pretrain
from gclkit.training.training_settings import TrainingSettings


def test_pretrain_has_the_same_settings_with_the_same_defaults():
    parameters = inspect.signature(pretrain).parameters
    defaults = {name: parameters[name].default for name in asdict(TrainingSettings())}
    assert defaults.pop("epochs") is inspect.Parameter.empty
    assert {"epochs": 200, **defaults} == asdict(TrainingSettings())


def test_numbers_become_plain_ones(graph, method, tmp_path):
    settings = TrainingSettings(epochs=np.int64(2), lr=np.float64(0.25), max_grad_norm=3)
    for name, kind in [("epochs", int), ("lr", float), ("max_grad_norm", float)]:
        assert type(getattr(settings, name)) is kind
    path = tmp_path / "checkpoint.pt"
    pretrain(
        method, graph, epochs=1, lr=np.float64(0.25), seed=np.int64(3), warmup=np.int64(1),
        checkpoint=path,
    )  # fmt: skip
    assert load_checkpoint(path)["settings"]["lr"] == 0.25


def test_the_length_counts_where_the_step_depends_on_it():
    options = {"epochs": 7, "lr": 0.5, "max_grad_norm": 2.5}
    constant = TrainingSettings(retries=2, **options).kept_on_resume()
    rest = {"weight_decay": 1e-5, "warmup": 0, "schedule": "constant", "max_grad_norm": 2.5}
    assert constant == {"lr": 0.5, **rest}
    cosine = TrainingSettings(schedule="cosine", **options).kept_on_resume()
    assert cosine == {**constant, "schedule": "cosine", "epochs": 7}


@pytest.mark.parametrize("name", ["epochs", "lr", "weight_decay", "warmup", "retries", "schedule"])
def test_refuses_what_is_no_setting(name):
    with pytest.raises(ValueError, match=f"^pretrain: '{name}' must be "):
        TrainingSettings(**{name: "many"})

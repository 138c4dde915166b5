import importlib
import subprocess
import sys

import pytest

from gclkit.cli import choices
from gclkit.cli.evaluate import _probe
from gclkit.evaluators.evaluate import Classifier


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("TASKS", "evaluators.evaluate"),
        ("TIGHTNESS", "bounds.compactness"),
        ("CONTROLS", "training.run_settings"),
    ],
)
def test_they_are_those_of_the_rooms(name, owner):
    # Of the module: the room's `evaluate` is the function.
    room = importlib.import_module(f"gclkit.{owner}")
    assert getattr(choices, name) == getattr(room, name)


def test_every_probe_is_one():
    probes = [_probe(name) for name in choices.PROBES]
    assert all(isinstance(probe, Classifier) for probe in probes)
    assert len({type(probe) for probe in probes}) == len(choices.PROBES)


def test_the_usual_controls_come_first():
    assert choices.ALL_CONTROLS[: len(choices.CONTROLS)] == choices.CONTROLS
    assert len(set(choices.ALL_CONTROLS)) == len(choices.ALL_CONTROLS)


def test_loads_no_pytorch():
    code = "import sys, gclkit.cli.choices; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

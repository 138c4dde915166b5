"""What an import costs and touches, in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "gclkit"
ROOMS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
OPTIONAL = ("triton", "networkit", "umap", "tensorboard", "ogb", "hypothesis")


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_every_room_imports_in_silence_without_optional_packages():
    rooms = ", ".join(f"gclkit.{room}" for room in ROOMS)
    out = python(
        f"import sys; sys.modules.update({{name: None for name in {OPTIONAL!r}}}); import {rooms}"
    )
    assert out.returncode == 0, out.stderr
    assert out.stdout == "" and out.stderr == ""


def test_the_package_itself_imports_no_room_and_no_pytorch():
    out = python(
        "import sys, gclkit; print([m for m in sys.modules if m.startswith('gclkit.')],"
        " 'torch' in sys.modules)"
    )
    assert out.stdout.strip() == "[] False"


@pytest.mark.parametrize(
    ("room", "unseen"),
    [
        ("losses", ["graphs", "methods", "encoders", "training"]),
        ("evaluators", ["methods", "encoders", "losses", "training", "augmentations"]),
        ("graphs", ["losses", "methods", "evaluators", "communities"]),
        ("reports", ["graphs", "evaluators", "methods"]),
        ("bounds", ["graphs", "methods", "losses", "training"]),
    ],
)
def test_a_room_does_not_load_those_it_may_not_see(room, unseen):
    out = python(f"import sys, gclkit.{room}; print([m for m in sys.modules])")
    loaded = set(eval(out.stdout))
    assert not {f"gclkit.{name}" for name in unseen} & loaded


def test_importing_leaves_the_random_state_and_the_threads_alone():
    rooms = ", ".join(f"gclkit.{room}" for room in ROOMS)
    out = python(
        "import torch, numpy, random; torch.manual_seed(3); numpy.random.seed(3); random.seed(3)\n"
        "before = torch.rand(2), numpy.random.rand(), random.random()\n"
        "torch.manual_seed(3); numpy.random.seed(3); random.seed(3)\n"
        "threads = torch.get_num_threads()\n"
        f"import {rooms}\n"
        "after = torch.rand(2), numpy.random.rand(), random.random()\n"
        "print(bool((before[0] == after[0]).all()), before[1:] == after[1:],"
        " threads == torch.get_num_threads())"
    )
    assert out.stdout.split() == ["True"] * 3, out.stderr

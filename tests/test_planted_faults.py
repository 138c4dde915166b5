"""Faults planted in a copy of the package: the ordinary suite must see each of them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]


class Fault(NamedTuple):
    """A line of the package, what it is turned into, and the tests that are to fail."""

    file: str
    right: str
    wrong: str
    tests: str


FAULTS = {
    "wrong sign": Fault(
        "losses/two_view.py",
        "gap = others - numerator",
        "gap = others + numerator",
        "losses/test_infonce.py",
    ),
    "temperature on the wrong side": Fault(
        "losses/two_view.py",
        "scale = inverse_temperature(owner, temperature)",
        "scale = 1.0 / inverse_temperature(owner, temperature)",
        "losses/test_infonce.py",
    ),
    "strength not divided by the temperature": Fault(
        "losses/team_up.py",
        "strength * (gamma / temperature)",
        "strength * gamma",
        "losses/test_team_up.py",
    ),
    "block one column short": Fault(
        "ops/tiles.py",
        "slice(start, min(start + block, length))",
        "slice(start, min(start + block, length - 1))",
        "ops/test_self_logsumexp.py",
    ),
    "diagonal counted as a negative": Fault(
        "ops/tiles.py",
        "if self.tiling.triangle and row == column:",
        "if self.tiling.triangle and row > column:",
        "ops/test_self_logsumexp.py",
    ),
    "normalisation of the sender left out": Fault(
        "encoders/adjacency.py",
        "value = scale[source] * weight * scale[target]",
        "value = weight * scale[target]",
        "encoders/test_adjacency.py",
    ),
    "held-out edges in the training graph": Fault(
        "evaluators/edge_split.py",
        "both = torch.cat([self.train, self.train.flip(0)], dim=1)",
        "both = torch.cat([self.train, self.train.flip(0), self.test, self.test.flip(0)], dim=1)",
        "evaluators/test_edge_split.py",
    ),
    "test nodes choose the strength": Fault(
        "evaluators/linear_probe.py",
        "val, test = split.val.to(z.device), split.test.to(z.device)",
        "val, test = split.test.to(z.device), split.test.to(z.device)",
        "evaluators/test_linear_probe.py",
    ),
    "budget rounded up": Fault(
        "bounds/edge_drop_set.py",
        "(degree.double() * p).round()",
        "(degree.double() * p).ceil()",
        "bounds/test_edge_drop_set.py",
    ),
    "slope of the upper line too small": Fault(
        "bounds/relaxation.py",
        "return Relaxation(chord, chord, shift)",
        "return Relaxation(chord, 0.9 * chord, shift)",
        "bounds/test_relaxation.py",
    ),
    "own term of a negative factor at its lower end": Fault(
        "bounds/certified.py",
        "own_box = [Box(*ends)]",
        "own_box = [Box(ends[0], ends[0])]",
        "bounds/test_soundness.py",
    ),
    "own term expanded whatever its sign": Fault(
        "bounds/two_hop.py",
        "if linear is not None and bool((root >= 0).all()):",
        "if linear is not None:",
        "bounds/test_soundness.py",
    ),
    "slopes put back too far": Fault(
        "regularizers/provable_training.py",
        "module.weight.clamp_(0, 1)",
        "module.weight.clamp_(0, 2)",
        "regularizers/test_provable_training.py",
    ),
    "checkpoint not renamed": Fault(
        "atomic.py",
        "        os.replace(draft, path)\n",
        "",
        "training/test_checkpoint.py",
    ),
    "state of the generator not restored": Fault(
        "training/loop.py",
        '        self.generator.set_state(state["generator"].cpu())\n',
        "",
        "training/test_pretrain.py",
    ),
}


@pytest.fixture
def copy(tmp_path):
    """A copy of package and tests, in which faults are planted."""
    leave = shutil.ignore_patterns("__pycache__", ".*")
    for name in ("gclkit", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=leave)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def run(folder, *arguments):
    """Runs Python in a copy, which comes first on its path; returns the finished process."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def run_tests(folder, files, *arguments):
    paths = [f"tests/{file}" for file in files]
    return run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, *paths)


@pytest.mark.parametrize("name", FAULTS)
def test_fits_the_code(name):
    fault = FAULTS[name]
    text = (ROOT / "gclkit" / fault.file).read_text(encoding="utf-8")
    assert text.count(fault.right) == 1, f"{fault.file} has changed: plant the fault anew"


@pytest.mark.slow
def test_without_a_fault_the_tests_pass(copy):
    where = run(copy, "-c", "import gclkit; print(gclkit.__file__)").stdout.strip()
    assert Path(where).is_relative_to(copy)
    done = run_tests(copy, sorted({fault.tests for fault in FAULTS.values()}))
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_is_caught(name, copy):
    fault = FAULTS[name]
    path = copy / "gclkit" / fault.file
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(fault.right, fault.wrong), encoding="utf-8")
    done = run_tests(copy, [fault.tests], "-x")
    assert done.returncode == 1 and " failed" in done.stdout, done.stdout[-3000:]

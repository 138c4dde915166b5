"""Every example runs, on a graph that needs no download."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
ARGUMENTS = {
    "csgcl_amazon.py": ["--dataset", "sbm", "--epochs", "2", "--anchors", "64"],
    "custom_loop.py": ["--epochs", "3"],
    "grace_cora.py": ["--dataset", "digits", "--epochs", "2"],
    "pot_in_your_loop.py": ["--epochs", "2"],
}


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_runs_and_prints_a_score(name, tmp_path):
    out = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *ARGUMENTS.get(name, [])],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert out.returncode == 0, out.stderr
    assert "%" in out.stdout or "accuracy" in out.stdout

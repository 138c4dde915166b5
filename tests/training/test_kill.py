"""A run that is killed at any moment and resumed ends where the uninterrupted one ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "benchmarks" / "kill_and_resume.py"


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL and forked processes")
def test_twenty_kills(data_root):
    command = [sys.executable, str(SCRIPT), "--dataset", "cora", "--kills", "20"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("20 of 20 bit-identical, 0 unreadable checkpoints")

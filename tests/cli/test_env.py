import torch

import gclkit
from gclkit.cli.main import main


def test_prints_what_a_bug_report_needs(capsys):
    assert main(["env"]) == 0
    rows = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert rows["gclkit"] == gclkit.__version__ and rows["torch"] == torch.__version__
    assert {"python", "numpy", "graspologic-native", "gpu", "GCLKIT_DATA"} <= set(rows)

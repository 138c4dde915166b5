"""Every example runs, on a graph that needs no download."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gclkit.testing.graphs import random_graph

EXAMPLES = Path(__file__).parents[1] / "examples"
ARGUMENTS = {
    "csgcl_amazon.py": ["--dataset", "sbm", "--epochs", "2", "--anchors", "64"],
    "custom_loop.py": ["--epochs", "3"],
    "grace_cora.py": ["--dataset", "digits", "--epochs", "2"],
    "pot_in_your_loop.py": ["--epochs", "2"],
}


def test_the_own_method_trains_on_the_weights_that_it_embeds_with():
    MyMethod = runpy.run_path(str(EXAMPLES / "your_own_method.py"))["MyMethod"]
    method = MyMethod(8, out_channels=5)
    graph = method.prepare(random_graph(30, 8, weighted=True, seed=2))
    output = method.step(graph, 1)
    for view, z in zip(output.views, output.embeddings, strict=True):
        expected = method.encoder(view.x, view.edge_index, view.edge_weight)
        torch.testing.assert_close(z, expected)


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

import subprocess
import sys

import torch

from gclkit.sparse import csr_tensor


def test_is_the_matrix_of_its_parts():
    matrix = csr_tensor(
        torch.tensor([0, 2, 2, 3]), torch.tensor([1, 3, 0]), torch.tensor([2.0, 5.0, 7.0]), (3, 4)
    )
    expected = torch.tensor([[0.0, 2, 0, 5], [0, 0, 0, 0], [7, 0, 0, 0]])
    assert matrix.layout == torch.sparse_csr and torch.equal(matrix.to_dense(), expected)


def test_says_nothing_on_first_use():
    code = (
        "import torch; from gclkit.sparse import csr_tensor as c; t = torch.tensor\n"
        "c(t([0, 1]), t([0]), t([2.0]), (1, 1)) @ torch.ones(1, 1)"
    )
    out = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True
    )
    assert out.returncode == 0 and out.stderr == "", out.stderr

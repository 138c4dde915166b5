import math

import pytest
import torch

from gclkit.training import CollapseWarning, diagnose_collapse
from gclkit.training.collapse import warn_of_collapse


def test_diagnoses_each_sign():
    torch.manual_seed(0)
    healthy = torch.randn(8, 3)
    assert diagnose_collapse(1.234, [healthy, healthy]) is None
    assert diagnose_collapse(1.2, [healthy, torch.zeros(8, 3)]).startswith("every embedding is 0")
    equal = torch.ones(8, 1) * torch.tensor([0.4, 2.0, -1.0])
    assert diagnose_collapse(1.2, [equal]) == "all embeddings are equal"
    stuck = diagnose_collapse(math.log(15) + 1e-8, [healthy])
    assert stuck == "the loss stays at ln(2n - 1) = 2.7081"
    assert diagnose_collapse(1.0, [torch.zeros(1, 3)]) is None, "one node cannot collapse"


def test_warns_with_cause_and_advice():
    dead = [torch.zeros(4, 2)]
    with pytest.warns(CollapseWarning, match=r"epoch 10: every .* lr=0\.1 .* \(warmup=50\)"):
        assert warn_of_collapse(10, 1.0, dead, lr=0.1, warmup=0)
    with pytest.warns(CollapseWarning, match=r"use a longer warm-up, a smaller lr"):
        warn_of_collapse(20, 1.0, dead, lr=0.1, warmup=5)
    assert not warn_of_collapse(21, 1.0, dead, lr=0.1, warmup=0)
    assert not warn_of_collapse(10, 1.0, [torch.eye(4)], lr=0.1, warmup=0)


@pytest.mark.parametrize("layout", [torch.strided, torch.sparse_csr])
def test_features_of_zeros_are_the_cause(layout):
    dead, x = [torch.zeros(4, 2)], torch.zeros(4, 3)
    x = x if layout == torch.strided else x.to_sparse(layout=layout)
    with pytest.warns(CollapseWarning) as found:
        warn_of_collapse(10, 1.0, dead, lr=0.1, warmup=0, x=x)
    assert str(found[0].message).endswith("Likely cause: every feature of the graph is 0.")
    with pytest.warns(CollapseWarning, match=r"Likely cause: the first steps at lr=0\.1"):
        warn_of_collapse(10, 1.0, dead, lr=0.1, warmup=0, x=torch.eye(4))

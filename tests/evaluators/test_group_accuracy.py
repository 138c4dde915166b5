import pytest
import torch

from gclkit.evaluators import accuracy_by_degree, accuracy_by_quantile


def test_by_degree():
    star = torch.stack([torch.zeros(9, dtype=torch.long), torch.arange(1, 10)])
    extra = torch.tensor([[1, 1], [2, 3]])
    one = torch.cat([star, extra], dim=1)
    edge_index = torch.cat([one, one.flip(0)], dim=1)
    nodes = torch.arange(11)  # Degrees 9, 3, 2, 2, 1 six times, 0.
    correct = torch.tensor([1, 0, 1, 0, 1, 1, 1, 0, 0, 0, 1]).bool()
    assert accuracy_by_degree(edge_index, nodes, correct) == {
        "labels": ["0", "1", "2", "3–4", "9–16"],
        "values": [1.0, 0.5, 0.5, 0.0, 1.0],
        "sizes": [1, 6, 2, 1, 1],
    }


def test_by_quantile_keeps_ties_together():
    value = torch.tensor([0.1, 0.1, 0.1, 0.1, 0.5, 0.9])
    correct = torch.tensor([True, False, True, False, True, True])
    found = accuracy_by_quantile(value, correct, groups=3)
    assert sum(found["sizes"]) == 6 and found["sizes"][0] == 4
    assert found["values"][0] == 0.5 and found["labels"][0] == "0.1"


def test_groups_are_of_about_equal_size():
    value = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    found = accuracy_by_quantile(value, value > 0, groups=5)
    assert all(abs(size - 200) <= 1 for size in found["sizes"])
    assert found["values"] == sorted(found["values"])


def test_refusals():
    with pytest.raises(ValueError) as error:
        accuracy_by_quantile(torch.zeros(3), torch.ones(2, dtype=torch.bool))
    assert str(error.value) == (
        "accuracy_by_quantile: 'correct' must be one truth per value (got (2,))"
    )
    labels, edge_index = torch.tensor([4, 9]), torch.tensor([[0, 1], [1, 0]])
    for call in (
        lambda: accuracy_by_degree(edge_index, torch.arange(2), labels),
        lambda: accuracy_by_quantile(torch.rand(2), labels),
    ):
        with pytest.raises(ValueError, match=r"'correct' must be of dtype torch\.bool \(got torch"):
            call()

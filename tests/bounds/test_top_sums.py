import pytest
import torch

from gclkit.bounds.top_sums import top_sums


@pytest.mark.parametrize(("entries", "largest"), [(1, 1), (6, 3), (7, 7), (40, 9)])
def test_sums_and_gradients_are_those_of_a_selection(entries, largest):
    generator = torch.Generator().manual_seed(entries)
    values = torch.randn(entries, 5, 3, generator=generator).double().requires_grad_()
    weights = torch.randn(largest, 5, 3, generator=generator).double()
    found = top_sums(values, largest)
    expected = values.sort(dim=0, descending=True).values[:largest].cumsum(dim=0)
    torch.testing.assert_close(found, expected)
    grads = [torch.autograd.grad((part * weights).sum(), values)[0] for part in (found, expected)]
    torch.testing.assert_close(*grads)


def test_equal_entries_share_and_infinite_ones_stay_out():
    values = torch.tensor([2.0, -torch.inf, 2.0, 5.0, 2.0]).double().requires_grad_()
    found = top_sums(values, 3)
    assert found.tolist() == [5, 7, 9]
    (grad,) = torch.autograd.grad(found[1] + 10 * found[2], values)
    torch.testing.assert_close(grad, torch.tensor([7.0, 0, 7, 11, 7]).double())


@pytest.mark.parametrize("largest", [1, 3])
def test_nan_stays(largest):
    values = torch.tensor([[1.0, 2.0], [torch.nan, 4.0], [0.5, 3.0]])
    found = top_sums(values, largest)
    assert found[:, 0].isnan().all() and not found[:, 1].isnan().any()

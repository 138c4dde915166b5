import time

import pytest
import torch

from gclkit.testing.measure import LargestTensor, PeakBytes, median_seconds


def test_largest_tensor_sees_what_is_made_and_dropped():
    with LargestTensor() as largest:
        x = torch.ones(10, 7)
        (x @ torch.ones(7, 30)).sum()
    assert largest.numel == 300


def test_largest_tensor_sees_the_backward_pass():
    x = torch.ones(50, 1, requires_grad=True)
    y = torch.ones(1, 1)
    out = (x @ y).sum()
    with LargestTensor() as largest:
        out.backward()
    assert largest.numel == 50


def test_peak_counts_what_is_alive_at_once():
    with PeakBytes() as peak:
        for _ in range(5):
            torch.ones(1000).sum()  # 4,000 bytes, freed each time.
    assert 4000 <= peak.peak < 4500
    with PeakBytes() as peak:
        kept = [torch.ones(1000) for _ in range(5)]
    assert peak.peak == 5 * 4000 and len(kept) == 5


def test_peak_counts_storages_not_views_and_not_what_was_there():
    x = torch.ones(1000)
    with PeakBytes() as peak:
        x.view(10, 100).add_(1.0).T[3:].unsqueeze(0)
    assert peak.peak == 0
    with PeakBytes() as peak:
        torch.ones(1000).view(10, 100)[:5].T.unsqueeze(0)
    assert peak.peak == 4000


def test_peak_sees_what_autograd_saves():
    x = torch.ones(1000, requires_grad=True)
    with PeakBytes() as peak:
        out = x.exp().exp().exp()  # Each result is saved for its backward pass.
    assert peak.peak == 12000
    del out


def test_median_seconds_leaves_out_the_warmups():
    calls = []

    def step():
        calls.append(len(calls))
        time.sleep(0.2 if len(calls) <= 2 else 0.001)

    assert median_seconds(step, repeats=3, warmups=2) == pytest.approx(0.001, abs=0.05)
    assert len(calls) == 5

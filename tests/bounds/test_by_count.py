import pytest
import torch

from gclkit.bounds import EdgeDropSet, certify, node_compactness
from gclkit.bounds.by_count import can_lose, count_ranges, mailed, trace_by_count, trace_bytes
from gclkit.bounds.forward import trace_view
from gclkit.bounds.layers import describe_layers
from gclkit.testing.measure import PeakBytes


def test_count_ranges_cover_every_count_once():
    for largest in range(40):
        ranges = count_ranges(largest)
        covered = [r for low, high in ranges for r in range(low, high + 1)]
        assert covered == list(range(largest + 1)) and ranges[0] == (0, 0)


@torch.no_grad()
@pytest.mark.parametrize("conv", ["gcn", "sage", "gin"])
def test_each_view_lies_in_the_boxes_of_its_counts(conv, make_encoder, make_graph, all_views):
    layers = describe_layers("test", make_encoder(conv, "leaky_relu", seed=1))
    x, edge_index, _ = make_graph([6], density=0.65, seed=1)
    drops = EdgeDropSet(edge_index, 6, 0.5)
    ranges = count_ranges(int(drops.usable_budget.max()))
    assert len(ranges) > 2
    traces = trace_by_count(layers, x, drops, ranges)
    last = max(k for k, layer in enumerate(layers) if layer.propagation is not None)
    top = layers[last].propagation
    mail = mailed(drops, top, traces[last].sent, ranges)
    for kept in all_views(drops):
        lost = drops.dropped(kept)
        values = trace_view(layers, x, drops, kept)
        sent = top.column((drops.degree - lost).double())[:, None] * values[last].sent.lower
        assert (mail.lower <= sent + 1e-9).all() and (sent <= mail.upper + 1e-9).all()
        for trace, value in zip(traces, values, strict=True):
            for c, (low, high) in enumerate(ranges):
                at = (lost >= low) & (lost <= high)
                y = value.before.lower[at]
                assert (trace.before[c].lower[at] <= y + 1e-9).all()
                assert (y <= trace.before[c].upper[at] + 1e-9).all()


def test_nodes_that_can_lose_so_many(make_graph):
    drops = EdgeDropSet(make_graph([8], density=0.7)[1], 8, 0.5)
    assert can_lose(drops, (2, 3)).tolist() == [most >= 2 for most in drops.usable_budget.tolist()]


def test_gradients_reach_the_features(make_encoder, make_graph):
    layers = describe_layers("test", make_encoder("gcn", "leaky_relu"))
    x, edge_index, _ = make_graph([6], density=0.6)
    drops = EdgeDropSet(edge_index, 6, 0.5)

    def ends(x):
        return [end for box in trace_by_count(layers, x, drops, [(0, 0), (1, 1)])[-1].after
                for end in box]  # fmt: skip

    assert torch.autograd.gradcheck(ends, x.requires_grad_())


@torch.no_grad()
@pytest.mark.parametrize("conv", ["gcn", "sage", "gin"])
@pytest.mark.parametrize("widths", [(5, 8, 8), (5, 16, 4), (5, 4, 16), (5, 8, 8, 8), (20, 6)])
def test_the_bytes_told_are_those_of_the_peak(conv, widths, make_encoder):
    """On a star whose hub can lose many edges and a ring, which gives its other nodes budgets."""
    n = 2000
    ring, leaves = torch.arange(n), torch.arange(2, n - 1)
    ends = [torch.stack([ring, ring.roll(1)]), torch.stack([torch.zeros_like(leaves), leaves])]
    edges = torch.cat(ends, dim=1)
    drops = EdgeDropSet(torch.cat([edges, edges.flip(0)], dim=1), n, 0.4)
    ranges = count_ranges(int(drops.usable_budget.max()))
    assert len(ranges) > 10
    layers = describe_layers("test", make_encoder(conv, widths=widths))
    x = torch.randn(n, widths[0], generator=torch.Generator().manual_seed(0)).double()
    with PeakBytes() as measured:
        trace_by_count(layers, x, drops, ranges)
    told = trace_bytes(layers, x, ranges)
    assert 1.0 <= told / measured.peak < 1.25, told / measured.peak


def test_boxes_beyond_the_memory_are_refused_by_whoever_would_make_them(
    make_encoder, make_graph, monkeypatch
):
    layers, (x, edge_index, targets) = make_encoder(), make_graph([9, 12, 8])
    options = {"p": 0.4, "targets": targets, "mode": "certified"}
    monkeypatch.setattr("gclkit.bounds.by_count.available_bytes", lambda device: 2000)
    rule = r"needs about \d+\.\d kB for the two_hop bounds of n=29 nodes that lose up to \d+ "
    with pytest.raises(ValueError, match=f"^node_compactness: {rule}edges, of 2.0 kB; use tight"):
        node_compactness(layers, x, edge_index, tightness="two_hop", **options)
    with pytest.raises(ValueError, match=f"^certify: {rule}edges, of 2.0 kB; use tight"):
        certify(layers, x, edge_index, p=0.4, memory_budget=1e9)
    node_compactness(layers, x, edge_index, tightness="budget", **options)

import pytest
import torch

from gclkit.bounds import EdgeDropSet, draw_view, node_compactness, target_vectors
from gclkit.bounds.layers import describe_layers
from gclkit.bounds.pairwise import pairwise_bound


@torch.no_grad()
def test_pairwise_equals_loops_over_pairs(make_encoder, make_graph):
    """The definition: the target's coefficients meet every neighbour's lines, pair by pair."""
    layers = make_encoder("gcn", "prelu")
    (conv1, act1), (conv2, _) = layers
    x, edge_index, z = make_graph([9], density=0.6)
    n, p = len(x), 0.4
    drops = EdgeDropSet(edge_index, n, p)
    kept = draw_view(drops, torch.Generator().manual_seed(3))
    view = torch.stack([drops.source, drops.target])[:, kept]
    score = node_compactness(layers, x, edge_index, targets=z, p=p, view_edge_index=view)

    def matrix(edges):
        a = torch.eye(n).double()
        a[edges[1], edges[0]] = 1
        return a

    clean, seen = matrix(edge_index), matrix(view)
    d = clean.sum(1)
    low_d = d - drops.budget
    ceiling = clean / (low_d[:, None] * low_d).sqrt()
    floor = torch.diag(1 / d)
    at_view = seen / (seen.sum(1)[:, None] * seen.sum(1)).sqrt()

    def interval(low, high):
        return (
            floor @ low.clamp(min=0) + ceiling @ low.clamp(max=0),
            ceiling @ high.clamp(min=0) + floor @ high.clamp(max=0),
        )

    slope = float(act1.weight)

    def lines(low, high):
        a = torch.where(low >= 0, 1.0, slope).double()
        beta = torch.zeros_like(a)
        middle = (low < 0) & (high > 0)
        a[middle] = ((high - slope * low) / (high - low))[middle]
        beta[middle] = ((slope - 1) * high * low / (high - slope * low))[middle]
        return a, beta

    w1, w2 = conv1.lin.weight.t(), conv2.lin.weight.t()
    l1, u1 = (end + conv1.bias for end in interval(x @ w1, x @ w1))
    h_low, h_high = act1(l1), act1(u1)
    s_low = h_low @ w2.clamp(min=0) + h_high @ w2.clamp(max=0)
    s_high = h_high @ w2.clamp(min=0) + h_low @ w2.clamp(max=0)
    l2, u2 = (end + conv2.bias for end in interval(s_low, s_high))
    (a1, beta1), (a2, beta2) = lines(l1, u1), lines(l2, u2)
    y1 = at_view @ (x @ w1) + conv1.bias
    directions = target_vectors(z)
    for i in range(n):
        t = directions[i]
        through = a2[i] * t
        value = float(through @ (conv2.bias + (t < 0) * beta2[i]))
        back = w2 @ through
        for j in range(n):
            line = a1[j] * (y1[j] + (back < 0) * beta1[j])
            value += float(at_view[i, j] * (back @ line))
        assert value == pytest.approx(float(score[i]), abs=1e-12)


@torch.no_grad()
@pytest.mark.parametrize("tightness", ["interval", "budget"])
@pytest.mark.parametrize("conv", ["gcn", "sage", "gin"])
def test_below_the_value_of_its_view(tightness, conv, make_encoder, make_graph, run):
    layers = make_encoder(conv, "leaky_relu", (5, 6, 6, 4), seed=2)
    steps = describe_layers("test", layers)
    x, edge_index, z = make_graph([8, 11], density=0.5, seed=2)
    drops, directions = EdgeDropSet(edge_index, 19, 0.4), target_vectors(z)
    generator = torch.Generator().manual_seed(0)
    gaps = []
    for _ in range(10):
        kept = draw_view(drops, generator)
        view = torch.stack([drops.source, drops.target])[:, kept]
        true = (directions * run(layers, x, view)).sum(dim=1)
        bound = pairwise_bound(steps, x, directions, drops, kept, tightness=tightness)
        gaps.append(true - bound)
    gap = torch.stack(gaps)
    assert (gap >= -1e-9).all() and (gap > 1e-3).float().mean() > 0.2


@torch.no_grad()
def test_one_layer_by_hand(make_encoder, make_graph):
    """The lines of the only layer, at the exact pre-activations of the view."""
    layers = make_encoder("gcn", "relu", (5, 4))
    ((conv, _),) = layers
    x, edge_index, z = make_graph([8], density=0.6)
    drops, directions = EdgeDropSet(edge_index, 8, 0.5), target_vectors(z)
    kept = draw_view(drops, torch.Generator().manual_seed(1))
    nodes = torch.tensor([6, 2])
    bound = pairwise_bound(
        describe_layers("test", layers), x, directions[nodes], drops, kept, nodes=nodes
    )
    value, least = x @ conv.lin.weight.t(), (drops.degree - drops.budget + 1).double()
    adjacency = torch.zeros(8, 8).double()
    adjacency[edge_index[1], edge_index[0]] = 1
    ceiling = adjacency / (least[:, None] * least).sqrt() + torch.diag(1 / least)
    floor = torch.diag(1 / (drops.degree + 1).double())
    low = ceiling @ value.clamp(max=0) + floor @ value.clamp(min=0) + conv.bias
    high = ceiling @ value.clamp(min=0) + floor @ value.clamp(max=0) + conv.bias
    y = conv(x, torch.stack([drops.source, drops.target])[:, kept])
    for row, i in enumerate(nodes.tolist()):
        total = 0.0
        for k in range(4):
            t, at, ends = directions[i, k], y[i, k], (low[i, k], high[i, k])
            if ends[0] >= 0 or ends[1] <= 0:
                line = at.clamp(min=0)
            else:
                chord = ends[1] / (ends[1] - ends[0])
                line = chord * at if t > 0 else chord * (at - ends[0])
            total += float(t * line)
        assert float(bound[row]) == pytest.approx(total, abs=1e-12)

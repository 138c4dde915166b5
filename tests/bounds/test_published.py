import re

import pytest
import torch
from torch import nn
from torch_geometric.nn import GCNConv

from gclkit.bounds import EdgeDropSet, draw_view, node_compactness, target_vectors
from gclkit.bounds.layers import describe_layers
from gclkit.bounds.published import published_score


def published_encoder(numbers, name):
    layers = []
    for k in ("1", "2"):
        weight = torch.from_numpy(numbers[f"{name}_w{k}"])
        conv = GCNConv(*weight.shape)
        conv.lin.weight.data = weight.t().contiguous()
        conv.bias.data = torch.from_numpy(numbers[f"{name}_b{k}"])
        layers.append((conv, nn.ReLU() if name == "relu" else nn.PReLU(init=0.25)))
    return layers


@pytest.fixture(params=["relu", "prelu"])
def published(request, parity):
    numbers, name = parity("pot"), request.param
    settings = {
        "targets": torch.from_numpy(numbers[f"{name}_z2"]),
        "p": float(numbers[f"{name}_drop_rate"]),
        "view_edge_index": torch.from_numpy(numbers[f"{name}_view1_edge_index"]),
    }
    inputs = (
        published_encoder(numbers, name),
        torch.from_numpy(numbers["x"]),
        torch.from_numpy(numbers["edge_index"]),
    )
    values = {
        key: torch.from_numpy(numbers[f"{name}_{key}"])
        for key in ("published_score", "true_compactness_view1")
    }
    return inputs, settings, values


@torch.no_grad()
def test_published_mode_equals_the_authors_code(published):
    inputs, settings, values = published
    score = node_compactness(*inputs, mode="published", **settings)
    torch.testing.assert_close(score, values["published_score"], rtol=0, atol=1e-5)
    part = torch.tensor([7, 3])
    some = node_compactness(*inputs, mode="published", nodes=part, **settings)
    torch.testing.assert_close(some, score[part])


@torch.no_grad()
def test_the_published_score_is_no_bound_and_pairwise_is(published):
    inputs, settings, values = published
    true = values["true_compactness_view1"]
    score = node_compactness(*inputs, mode="published", **settings)
    assert (score > true + 1e-6).float().mean() > 0.6
    for tightness in ("interval", "budget"):
        bound = node_compactness(*inputs, tightness=tightness, **settings)
        assert (bound <= true + 1e-6).all()


@torch.no_grad()
def test_without_edges_published_is_pairwise(make_encoder):
    x, z = torch.randn(2, 6, 5).double(), torch.randn(6, 4).double()
    none = torch.empty(2, 0, dtype=torch.int64)
    scores = [
        node_compactness(
            make_encoder(), x[0], none, targets=z, p=0.4, mode=mode, view_edge_index=none
        )
        for mode in ("published", "pairwise", "certified")
    ]
    torch.testing.assert_close(scores[0], scores[1])
    torch.testing.assert_close(scores[0], scores[2])


@torch.no_grad()
def test_every_neighbour_uses_its_own_coefficients(make_encoder, make_graph, run):
    """The published formula with dense matrices, layer 2's interval from the clean graph."""
    layers = make_encoder("gcn", "prelu")
    (conv1, act), (conv2, _) = layers
    x, edge_index, z = make_graph([9], density=0.6)
    drops = EdgeDropSet(edge_index, 9, 0.4)
    kept = draw_view(drops, torch.Generator().manual_seed(3))
    directions = target_vectors(z)
    score = published_score(describe_layers("test", layers), x, directions, drops, kept)

    def normalized(edges):
        a = torch.eye(9).double()
        a[edges[1], edges[0]] = 1
        return a / (a.sum(1)[:, None] * a.sum(1)).sqrt()

    clean = normalized(edge_index)
    seen = normalized(torch.stack([drops.source, drops.target])[:, kept])
    least = (drops.degree - drops.budget + 1).double()
    ceiling = (clean > 0) / (least[:, None] * least).sqrt()
    floor = torch.diag(clean.diagonal())
    slope = float(act.weight)

    def lines(value, bias):
        low = floor @ value.clamp(min=0) + ceiling @ value.clamp(max=0) + bias
        high = ceiling @ value.clamp(min=0) + floor @ value.clamp(max=0) + bias
        a = torch.where(low >= 0, 1.0, slope).double()
        beta = torch.zeros_like(a)
        middle = (low < 0) & (high > 0)
        a[middle] = ((high - slope * low) / (high - low))[middle]
        beta[middle] = ((slope - 1) * high * low / (high - low))[middle]
        return a, beta

    w1, w2 = conv1.lin.weight.t(), conv2.lin.weight.t()
    a1, beta1 = lines(x @ w1, conv1.bias)
    a2, beta2 = lines(act(clean @ x @ w1 + conv1.bias) @ w2, conv2.bias)
    through2 = a2 * directions
    constant2 = (directions.clamp(max=0) * beta2).sum(1) + through2 @ conv2.bias
    back = through2 @ w2.t()
    through1 = a1 * back
    constant1 = (back.clamp(max=0) * beta1).sum(1) + through1 @ conv1.bias
    expected = seen @ (seen @ (through1 * (x @ w1)).sum(1) + constant1) + constant2
    torch.testing.assert_close(score, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("conv", "widths", "named"),
    [("sage", (5, 6, 4), ["SAGE", "SAGE"]), ("gcn", (5, 6, 6, 4), ["GCN", "GCN", "GCN"])],
)
def test_other_encoders_are_refused(conv, widths, named, make_encoder, make_graph):
    x, edge_index, z = make_graph([6, 6])
    sentence = f"node_compactness: mode 'published' has no meaning for the layers {named}"
    with pytest.raises(ValueError, match="^" + re.escape(sentence)):
        node_compactness(
            make_encoder(conv, widths=widths),
            x,
            edge_index,
            targets=z,
            p=0.4,
            mode="published",
            view_edge_index=edge_index,
        )

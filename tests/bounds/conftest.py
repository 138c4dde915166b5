import itertools

import pytest
import torch
from torch import nn
from torch_geometric.nn import GCNConv, GINConv, SAGEConv

from gclkit.bounds import EdgeDropSet

ACTIVATIONS = {
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(0.25),
    "prelu": lambda: nn.PReLU(init=0.3),
    "identity": nn.Identity,
}
# Own factors 1 + eps of either sign.
EPSILON = {"gin": -0.3, "gin_negative": -1.7}


def _conv(kind, a, b):
    if kind in EPSILON:
        perceptron = nn.Sequential(nn.Linear(a, 5), nn.ReLU(), nn.Linear(5, b))
        return GINConv(perceptron, eps=EPSILON[kind])
    return {"gcn": GCNConv, "sage": SAGEConv}[kind](a, b)


@pytest.fixture
def make_encoder():
    """A stack of (conv, [norm,] activation) with random weights, in fp64 and evaluation mode."""

    def make(conv="gcn", activation="relu", widths=(5, 6, 4), *, norm=False, seed=0):
        generator = torch.Generator().manual_seed(seed)
        layers = []
        for a, b in itertools.pairwise(widths):
            parts = [_conv(conv, a, b), ACTIVATIONS[activation]()]
            if norm:
                parts.insert(1, nn.BatchNorm1d(b))
            layers.append(tuple(part.double().eval() for part in parts))
        with torch.no_grad():
            for module in itertools.chain(*layers):
                if not isinstance(module, nn.PReLU):
                    for parameter in module.parameters():
                        shape = parameter.shape
                        parameter.copy_(0.7 * torch.randn(shape, generator=generator))
                if isinstance(module, nn.BatchNorm1d):
                    module.running_mean.normal_(generator=generator)
                    module.running_var.uniform_(0.5, 2, generator=generator)
        return layers

    return make


@pytest.fixture
def run():
    """The output of a stack on a view."""

    def forward(layers, x, edge_index):
        for conv, *rest in layers:
            x = conv(x, edge_index)
            for module in rest:
                x = module(x)
        return x

    return forward


@pytest.fixture
def make_graph():
    """Small random graphs side by side: features, edges of both directions, target rows."""

    def make(sizes, density=0.4, *, channels=(5, 4), seed=0):
        generator = torch.Generator().manual_seed(seed)
        blocks, start = [], 0
        for size in sizes:
            upper = torch.rand(size, size, generator=generator).triu(1)
            pairs = ((upper > 0) & (upper < density)).nonzero().t() + start
            blocks += [pairs, pairs.flip(0)]
            start += size
        x, z = (torch.randn(start, c, generator=generator).double() for c in channels)
        return x, torch.cat(blocks, dim=1), z

    return make


@pytest.fixture
def all_views():
    """Every view of a set, as masks over its sorted edges."""

    def enumerate_views(drops: EdgeDropSet):
        forward = (drops.target < drops.source) & drops.droppable
        edges = forward.nonzero()[:, 0]
        mirror = drops.mirror
        for choice in itertools.product([True, False], repeat=len(edges)):
            kept = torch.ones(len(drops.target), dtype=torch.bool)
            kept[edges] = torch.tensor(choice, dtype=torch.bool)
            kept[mirror[edges]] = kept[edges]
            if bool((drops.dropped(kept) <= drops.budget).all()):
                yield kept

    return enumerate_views

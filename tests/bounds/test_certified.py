import itertools

import pytest
import torch

from gclkit.bounds import EdgeDropSet, target_vectors
from gclkit.bounds.box import Box
from gclkit.bounds.certified import activated_dots, certified_bound, last_layer_bound
from gclkit.bounds.forward import trace_boxes
from gclkit.bounds.layers import describe_layers


def test_the_worst_corner_of_a_box():
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 5, 4, generator=generator).double()
    box = Box(torch.minimum(a, b), torch.maximum(a, b))
    directions, slope = torch.randn(5, 4, generator=generator).double(), torch.tensor(0.3)
    least, most = activated_dots(box, slope, directions)
    for i in range(5):
        corners = itertools.product(*zip(box.lower[i].tolist(), box.upper[i].tolist(), strict=True))
        values = [
            float(directions[i] @ torch.nn.functional.leaky_relu(torch.tensor(c).double(), 0.3))
            for c in corners
        ]
        assert float(least[i]) == pytest.approx(min(values), rel=1e-6)
        assert float(most[i]) == pytest.approx(max(values), rel=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("conv", ["gcn", "sage", "gin", "gin_negative"])
@pytest.mark.parametrize("widths", [(5, 4), (5, 6, 4)])
def test_below_every_view_and_ordered(conv, widths, make_encoder, make_graph, run, all_views):
    stack = make_encoder(conv, "leaky_relu", widths, seed=4)
    layers = describe_layers("test", stack)
    x, edge_index, z = make_graph([6], density=0.55, seed=4)
    drops, nodes = EdgeDropSet(edge_index, 6, 0.5), torch.tensor([4, 0, 3])
    directions = target_vectors(z, nodes=nodes)
    least = torch.full((3,), torch.inf).double()
    for kept in all_views(drops):
        out = run(stack, x, torch.stack([drops.source[kept], drops.target[kept]]))
        least = torch.minimum(least, (directions * out[nodes]).sum(dim=1))
    traces = trace_boxes(layers, x, drops, "budget")
    bound = last_layer_bound(layers, traces, directions, drops, nodes=nodes)
    assert (bound <= least + 1e-9).all()
    bounds = [
        certified_bound(layers, x, directions, drops, nodes=nodes, tightness=tightness)
        for tightness in ("interval", "budget", "two_hop")
    ]
    for looser, tighter in itertools.pairwise([*bounds, least]):
        assert (looser <= tighter + 1e-9).all()
    assert (bounds[1] > bounds[0] + 1e-3).any()


@pytest.mark.parametrize("tightness", ["interval", "budget"])
def test_gradients_to_features_and_directions(tightness, make_encoder, make_graph):
    layers = describe_layers("test", make_encoder("sage", "leaky_relu"))
    x, edge_index, z = make_graph([6], density=0.6)
    drops, nodes = EdgeDropSet(edge_index, 6, 0.4), torch.tensor([5, 2])

    def bound(x, directions):
        return certified_bound(layers, x, directions, drops, nodes=nodes, tightness=tightness)

    directions = target_vectors(z, nodes=nodes).requires_grad_()
    assert torch.autograd.gradcheck(bound, (x.requires_grad_(), directions))

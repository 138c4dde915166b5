import pytest
import torch

from gclkit.bounds import EdgeDropSet, draw_view
from gclkit.bounds.forward import trace_boxes, trace_view, view_matrix
from gclkit.bounds.layers import describe_layers


@torch.no_grad()
@pytest.mark.parametrize("conv", ["gcn", "sage", "gin"])
@pytest.mark.parametrize("tightness", ["interval", "budget"])
def test_boxes_hold_every_view(conv, tightness, make_encoder, make_graph, all_views):
    layers = describe_layers("test", make_encoder(conv, "prelu", seed=1))
    x, edge_index, _ = make_graph([6], density=0.55, seed=1)
    drops = EdgeDropSet(edge_index, 6, 0.5)
    boxes = trace_boxes(layers, x, drops, tightness)
    for kept in all_views(drops):
        for box, value in zip(boxes, trace_view(layers, x, drops, kept), strict=True):
            for wide, at in ((box.before, value.before), (box.after, value.after)):
                assert (wide.lower <= at.lower + 1e-9).all()
                assert (at.lower <= wide.upper + 1e-9).all()


@torch.no_grad()
@pytest.mark.parametrize("conv", ["gcn", "sage", "gin"])
def test_a_view_is_the_encoder_on_it(conv, make_encoder, make_graph, run):
    stack = make_encoder(conv, "leaky_relu", (5, 6, 6, 4))
    layers = describe_layers("test", stack)
    x, edge_index, _ = make_graph([9, 7], density=0.5)
    drops = EdgeDropSet(edge_index, 16, 0.4)
    kept = draw_view(drops, torch.Generator().manual_seed(0))
    traces = trace_view(layers, x, drops, kept)
    view = torch.stack([drops.source, drops.target])[:, kept]
    torch.testing.assert_close(traces[-1].after.lower, run(stack, x, view))
    first = trace_boxes(layers, x, drops, "interval")[0]
    again = trace_view(layers, x, drops, kept, first=first)
    torch.testing.assert_close(again[-1].after, traces[-1].after)
    assert again[0].sent is first.sent


@torch.no_grad()
def test_the_matrix_of_a_view(make_encoder, make_graph):
    (layer,) = describe_layers("test", make_encoder("gcn", widths=(5, 4)))
    _, edge_index, _ = make_graph([7], density=0.6)
    drops = EdgeDropSet(edge_index, 7, 0.5)
    kept = draw_view(drops, torch.Generator().manual_seed(2))
    degree = drops.count(kept).double()
    dense = torch.zeros(7, 7).double()
    dense[drops.target[kept], drops.source[kept]] = 1
    dense = dense / ((degree + 1)[:, None] * (degree + 1)).sqrt()
    torch.testing.assert_close(view_matrix(layer, drops, kept, degree).to_dense(), dense)


def test_gradients_of_values_and_boxes(make_encoder, make_graph):
    layers = describe_layers("test", make_encoder("gcn", "leaky_relu"))
    x, edge_index, _ = make_graph([6], density=0.6)
    drops = EdgeDropSet(edge_index, 6, 0.4)
    kept = draw_view(drops, torch.Generator().manual_seed(0))

    def ends(x):
        box = trace_boxes(layers, x, drops, "interval")[-1].after
        return trace_view(layers, x, drops, kept)[-1].after.lower, box.lower, box.upper

    assert torch.autograd.gradcheck(ends, x.requires_grad_())

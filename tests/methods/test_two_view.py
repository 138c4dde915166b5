import pytest
import torch

from gclkit.methods import GRACE


def test_anchors_estimate_the_same_loss(graph):
    torch.manual_seed(0)
    method = GRACE(8, out_channels=6, edge_p=(0.0, 0.0), feature_p=(0.2, 0.2))
    method.prepare(graph, torch.Generator().manual_seed(0))
    h = [method.projector(z) for z in method.step(graph, 1).embeddings]
    exact = method.contrast(*h, graph, 1)
    method.anchors = 9
    draws = torch.stack([method.contrast(*h, graph, 1) for _ in range(400)])
    assert draws.std() > 0
    assert abs(draws.mean() - exact) <= 5 * draws.std() / 20


def test_the_options_of_the_loss_reach_it(graph):
    method = GRACE(8, out_channels=6, backend="nowhere")
    method.prepare(graph)
    with pytest.raises(ValueError, match=r"'backend' must be one of .*'nowhere'"):
        method.step(graph, 1)

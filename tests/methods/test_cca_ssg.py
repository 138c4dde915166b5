import pytest
import torch

from gclkit.losses import cca_ssg
from gclkit.methods import CCASSG
from gclkit.testing.measure import LargestTensor


def test_a_step_is_the_loss_of_its_own_views(graph):
    torch.manual_seed(0)
    method = CCASSG(8, out_channels=6, decorrelation=0.02)
    method.prepare(graph, torch.Generator().manual_seed(1))
    out = method.step(graph, 1)
    torch.testing.assert_close(out.loss, cca_ssg(*out.embeddings, weight=0.02))
    assert out.terms["cca"] == out.loss


def test_is_linear_in_the_nodes():
    z = torch.randn(2, 3000, 6, requires_grad=True)
    with LargestTensor() as largest:
        CCASSG(8, out_channels=6).objective(*z)[0].backward()
    assert largest.numel == z.numel()


def test_an_activation_follows_the_last_layer_where_it_is_asked_for():
    for options, last in (({}, "Identity"), ({"final_activation": True}, "PReLU")):
        activations = CCASSG(8, **options).encoder.activations
        assert [type(module).__name__ for module in activations] == ["PReLU", last]


def test_refusals():
    with pytest.raises(ValueError) as error:
        CCASSG(8, decorrelation=-1.0)
    assert str(error.value) == "CCASSG: 'decorrelation' must be a number of at least 0 (got -1.0)"

import pytest
import torch

from gclkit.losses import barlow_twins
from gclkit.methods import GBT
from gclkit.testing.measure import LargestTensor


@pytest.mark.parametrize("decorrelation", [None, 0.3])
def test_a_step_is_the_loss_of_its_own_views(graph, decorrelation):
    torch.manual_seed(0)
    method = GBT(8, out_channels=6, decorrelation=decorrelation)
    method.prepare(graph, torch.Generator().manual_seed(1))
    out = method.step(graph, 1)
    weight = 1 / 6 if decorrelation is None else decorrelation
    torch.testing.assert_close(out.loss, barlow_twins(*out.embeddings, weight=weight))
    assert out.terms["barlow_twins"] == out.loss


def test_is_linear_in_the_nodes():
    z = torch.randn(2, 3000, 6, requires_grad=True)
    with LargestTensor() as largest:
        GBT(8, out_channels=6).objective(*z)[0].backward()
    assert largest.numel == z.numel()


def test_an_activation_follows_the_last_layer_where_it_is_asked_for():
    for options, last in (({}, "Identity"), ({"final_activation": True}, "PReLU")):
        activations = GBT(8, **options).encoder.activations
        assert [type(module).__name__ for module in activations] == ["PReLU", last]


def test_refusals():
    with pytest.raises(ValueError) as error:
        GBT(8, decorrelation=-1.0)
    assert str(error.value) == "GBT: 'decorrelation' must be a number of at least 0 (got -1.0)"

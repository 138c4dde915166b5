import math

import pytest
import torch
import torch.nn.functional as F
from torch_geometric.nn import GCN

from gclkit.encoders import view_features
from gclkit.methods import BGRL
from gclkit.methods.bgrl import Predictor, target_momentum


@pytest.fixture
def make(graph):
    def build(**options):
        torch.manual_seed(0)
        method = BGRL(8, out_channels=6, predictor_channels=5, **options)
        return method, method.prepare(graph, torch.Generator().manual_seed(1))

    return build


def test_a_step_predicts_the_other_view(make):
    method, data = make(activation="relu")
    out = method.step(data, 1)
    total = 0
    for here, there in ((0, 1), (1, 0)):
        view = out.views[there]
        prediction = method.predictor(out.embeddings[here])
        target = method.target_encoder(view_features(view), view.edge_index)
        total = total + 1 - F.cosine_similarity(prediction, target).mean()
    torch.testing.assert_close(out.loss, total)
    out.loss.backward()
    assert all(p.grad is None for p in method.target_encoder.parameters())


def test_the_target_follows_an_encoder_that_is_set(make):
    method, _ = make()
    method.encoder = GCN(8, 7, 3, 6)
    method.reset_parameters()
    shapes = [[p.shape for p in e.parameters()] for e in (method.encoder, method.target_encoder)]
    assert shapes[0] == shapes[1]
    assert not any(p.requires_grad for p in method.target_encoder.parameters())
    before = method.target_encoder.convs[0].lin.weight
    assert not torch.equal(before, method.encoder.convs[0].lin.weight)


def test_a_graph_without_any_feature_is_named(make, graph):
    graph.x = torch.zeros_like(graph.x)
    method, data = make(norm=None)
    with pytest.raises(ValueError) as error:
        method.step(data, 1)
    sentence = "a graph of which the target encoder makes something beside 0"
    assert str(error.value) == f"BGRL: 'data' must be {sentence} (got 'embeddings of 0')"


def test_an_encoder_of_another_width_is_refused(make):
    method, data = make()
    method.encoder = GCN(8, 7, 2, 4)
    with pytest.raises(ValueError, match=r"^Predictor: 'z' must be a tensor of 2 dimensions and 6"):
        method.step(data, 1)


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [(0, 0.9), (25, 1 - 0.1 * (1 + math.sqrt(0.5)) / 2), (50, 0.95), (100, 1.0), (170, 1.0)],
)
def test_the_momentum_rises_along_a_cosine(epoch, expected):
    assert target_momentum(epoch, momentum=0.9, epochs=100) == pytest.approx(expected)


def test_the_target_follows_slowly(make):
    method, _ = make(momentum=0.9, momentum_epochs=100)
    before = [p.clone() for p in method.target_encoder.parameters()]
    stays = target_momentum(30, momentum=0.9, epochs=100)
    method.after_step(30)
    for old, new, online in zip(
        before, method.target_encoder.parameters(), method.encoder.parameters(), strict=True
    ):
        torch.testing.assert_close(new.detach(), stays * old + (1 - stays) * online.detach())
    method.after_step(100)
    last = [p.clone() for p in method.target_encoder.parameters()]
    method.after_step(100)
    assert all(
        torch.equal(a, b) for a, b in zip(last, method.target_encoder.parameters(), strict=True)
    )


def test_the_target_starts_from_parameters_of_its_own(make):
    method, _ = make()
    first, second = (e.convs[0].lin.weight for e in (method.encoder, method.target_encoder))
    assert first is not second and not torch.equal(first, second)


def test_the_target_is_in_the_state(make):
    method, _ = make()
    assert "target_encoder.convs.0.lin.weight" in method.state_dict()


@pytest.mark.parametrize("norm", ["batch", "layer", None])
def test_the_norm_is_an_option(make, norm):
    method, data = make(norm=norm)
    assert method.encoder.norm == method.target_encoder.norm == norm
    assert method.step(data, 1).loss.isfinite()


def test_nodes_without_edges_and_features_are_left_out(make, graph):
    method, _ = make(norm=None, activation="relu")
    graph.x[5] = 0
    graph.edge_index = graph.edge_index[:, (graph.edge_index != 5).all(dim=0)]
    method.target_encoder.convs[-1].bias.data.zero_()
    out = method.step(method.prepare(graph, torch.Generator().manual_seed(1)), 1)
    out.loss.backward()
    assert out.loss.isfinite()
    assert all(p.grad.isfinite().all() for p in method.encoder.parameters())


def test_predictor_by_hand():
    predictor = Predictor(2, 3)
    z = torch.randn(4, 2)
    hidden = predictor.first(z)
    hidden = torch.where(hidden > 0, hidden, 0.25 * hidden)
    torch.testing.assert_close(predictor(z), predictor.second(hidden))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"predictor_channels": 0},
            "BGRL: 'predictor_channels' must be an integer of at least 1 (got 0)",
        ),
        ({"momentum": 1.5}, "BGRL: 'momentum' must be a probability in [0, 1] (got 1.5)"),
        (
            {"momentum_epochs": 0},
            "BGRL: 'momentum_epochs' must be an integer of at least 1 (got 0)",
        ),
        ({"norm": "group"}, "GNNEncoder: 'norm' must be one of ['batch', 'layer'] (got 'group')"),
    ],
)
def test_refusals(options, sentence):
    with pytest.raises(ValueError) as error:
        BGRL(8, **options)
    assert str(error.value) == sentence

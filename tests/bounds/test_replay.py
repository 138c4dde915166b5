import re

import pytest
import torch
from torch import nn
from torch_geometric.nn import GINConv, SAGEConv

from gclkit.bounds import certify
from gclkit.bounds.replay import check_replay, own_embeddings
from gclkit.encoders import GCNEncoder

RULE = (
    "certify: 'encoder' must be what its layers compute, with nothing beside them such as a hook, "
    "a residual or a normalization of z (got 'largest difference "
)


class Normalizing(GCNEncoder):
    def forward(self, x, edge_index):
        return nn.functional.normalize(super().forward(x, edge_index))


class Held(nn.Module):
    """Layers without a forward pass."""

    def __init__(self, layers):
        super().__init__()
        self.held = nn.ModuleList(nn.ModuleList(layer) for layer in layers)

    def layers(self):
        return [tuple(layer) for layer in self.held]


@pytest.fixture
def graph(make_graph):
    x, edge_index, _ = make_graph([9, 12])
    return x.float(), edge_index


def certified(encoder, graph):
    return certify(encoder, *graph, p=0.4, num_views=1, rounds=1)


@pytest.mark.parametrize("conv", ["gcn", "sage", "gin"])
@torch.no_grad()
def test_layers_in_every_form_are_run(conv, make_encoder, make_graph, run):
    layers = make_encoder(conv)
    x, edge_index, _ = make_graph([9, 12])
    z = run(layers, x, edge_index)
    for encoder in (layers, Held(layers), nn.Sequential(*[m for layer in layers for m in layer])):
        for features in (x, x.to_sparse_csr()):
            assert torch.equal(own_embeddings("test", encoder, features, edge_index), z)
            assert certify(encoder, features, edge_index, p=0.4, num_views=1, rounds=1)


@pytest.mark.parametrize("form", ["forward pass", "layers"])
def test_a_hook_that_changes_the_output_is_seen(form, graph):
    encoder = GCNEncoder(5, 4).eval()
    given = encoder if form == "forward pass" else encoder.layers()
    seen = []
    encoder.convs[0].register_forward_hook(lambda module, args, out: seen.append(out.shape))
    assert certified(given, graph) and seen
    encoder.convs[0].register_forward_hook(lambda module, args, out: 2 * out)
    with pytest.raises(ValueError, match="^" + re.escape(RULE)):
        certified(given, graph)


def test_a_forward_pass_that_does_more_is_seen(graph):
    encoder = Normalizing(5, 4)
    for given in (encoder, torch.compile(encoder, backend="eager")):
        with pytest.raises(ValueError, match="^" + re.escape(RULE)):
            certified(given, graph)
    assert certified(encoder.layers(), graph)


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated:FutureWarning")
@torch.no_grad()
def test_a_weight_that_is_a_step_old_is_seen(graph):
    encoder = [(SAGEConv(5, 4), nn.ReLU()), (GINConv(nn.Linear(4, 3)), nn.Identity())]
    torch.nn.utils.weight_norm(encoder[0][0].lin_l)
    assert certified(encoder, graph)
    encoder[0][0].lin_l.weight_g *= 2
    with pytest.raises(ValueError, match="^" + re.escape(RULE)):
        certified(encoder, graph)


@pytest.mark.parametrize("z", [torch.ones(3, 3), torch.tensor([[1.0, 2.01]]), None])
def test_other_embeddings_are_refused(z):
    with pytest.raises(ValueError, match=r"^o: 'k' must be so \(got 'largest difference "):
        check_replay("o", "k", "so", torch.tensor([[1.0, 2.0]]), z, [])


def test_what_is_not_finite_alike_is_alike():
    z = torch.tensor([[1.0, torch.nan, torch.inf]])
    check_replay("o", "k", "so", z + 1e-4, z, [])
    with pytest.raises(ValueError, match="largest difference nan"):
        check_replay("o", "k", "so", z.nan_to_num(), z, [])

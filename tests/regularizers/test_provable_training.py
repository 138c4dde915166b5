import re

import pytest
import torch
from torch import nn
from torch_geometric.nn import MLP, GATConv, GCNConv, GINConv

from gclkit.bounds import node_compactness
from gclkit.encoders import GCNEncoder, GNNEncoder
from gclkit.regularizers import ProvableTraining
from gclkit.testing.graphs import random_graph


@pytest.fixture
def setting():
    """A graph, an encoder, and two views with their embeddings."""
    torch.manual_seed(0)
    data = random_graph(24, 6, mean_degree=5, seed=1)
    encoder = GCNEncoder(6, 4)
    forward = data.edge_index[0] < data.edge_index[1]
    pairs = data.edge_index[:, forward]
    views = []
    for p in (0.3, 0.5):
        kept = pairs[:, torch.rand(pairs.shape[1]) >= p]
        edges = torch.cat([kept, kept.flip(0)], dim=1)
        views.append((data.x, edges, encoder(data.x, edges)))
    return data, encoder, views


def make(setting, **options):
    data, encoder, _ = setting
    options = {"encoder": encoder, "p": (0.3, 0.5), "kappa": 0.4, **options}
    return ProvableTraining(
        **{"edge_index": data.edge_index, "num_nodes": data.num_nodes, **options}
    )


@pytest.mark.parametrize("mode", ["published", "pairwise", "certified"])
def test_the_formula(mode, setting):
    data, encoder, views = setting
    loss = torch.tensor(2.5)
    terms = []
    for this, other, p in ((views[0], views[1], 0.3), (views[1], views[0], 0.5)):
        score = node_compactness(
            encoder,
            data.x,
            data.edge_index,
            targets=other[2],
            p=p,
            mode=mode,
            view_edge_index=None if mode == "certified" else this[1],
        )
        terms.append(torch.nn.functional.softplus(-score).mean())
    expected = 0.6 * loss + 0.4 * (terms[0] + terms[1]) / 2
    torch.testing.assert_close(make(setting, mode=mode)(loss, *views), expected)
    by_layers = make(setting, mode=mode, encoder=None, layers=encoder.layers())
    torch.testing.assert_close(by_layers(loss, *views), expected)
    once = make(setting, mode=mode, encoder=None, layers=iter(encoder.layers()))
    torch.testing.assert_close(once(loss, *views), expected)


@pytest.mark.parametrize("mode", ["published", "pairwise", "certified"])
def test_training_on_it_raises_the_compactness(mode, setting):
    _, encoder, views = setting
    pot = make(setting, mode=mode, kappa=1.0)
    optimizer = torch.optim.Adam(encoder.parameters(), lr=0.01)
    losses = []
    for _ in range(30):
        seen = [(x, edges, encoder(x, edges)) for x, edges, _ in views]
        loss = pot(torch.tensor(0.0), *seen)
        optimizer.zero_grad()
        loss.backward()
        assert all(p.grad.abs().sum() > 0 for p in encoder.parameters())
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] - 0.01


def test_kappa_zero_is_the_loss_alone(setting):
    loss = torch.tensor(1.7)
    assert make(setting, kappa=0.0)(loss, *setting[2]) is loss


def test_detached_targets_take_no_gradient(setting):
    _, _, views = setting
    targets = [z.detach().requires_grad_() for _, _, z in views]
    seen = [(x, e, z) for (x, e, _), z in zip(views, targets, strict=True)]
    for detach in (False, True):
        loss = make(setting, detach_targets=detach)(torch.tensor(0.0), *seen)
        grads = torch.autograd.grad(loss, targets, allow_unused=True)
        assert all((grad is None) == detach for grad in grads)


def test_drawn_nodes_are_a_part_of_the_mean(setting):
    _, _, views = setting
    drawn = make(setting, num_anchors=6, generator=torch.Generator().manual_seed(3))
    part = drawn.compactness(views[0], views[1][2], 0)
    whole = make(setting).compactness(views[0], views[1][2], 0)
    order = torch.randperm(24, generator=torch.Generator().manual_seed(3))[:6].sort().values
    torch.testing.assert_close(part, whole[order])
    many = [drawn(torch.tensor(0.0), *views).item() for _ in range(100)]
    full = make(setting)(torch.tensor(0.0), *views).item()
    assert sum(many) / 100 == pytest.approx(full, rel=0.03)


def test_layers_that_did_not_give_the_embeddings_are_refused(setting):
    _, encoder, views = setting
    message = (
        "ProvableTraining: 'layers' must be the layers that gave the embeddings of the second "
        "view, their activations and nothing beside them such as one more activation, edge "
        "weights, dropout, autocast that has ended or a normalization of z (got 'largest "
        "difference "
    )
    wrong = (views[1][0], views[1][1], views[1][2] * 1.01)
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        make(setting)(torch.tensor(1.0), views[0], wrong)
    with pytest.raises(ValueError, match="of the first view"):
        make(setting, encoder=None, layers=encoder.layers()[:1])(torch.tensor(1.0), *views)


def test_layers_that_stand_still_are_replayed_again(setting):
    _, encoder, views = setting
    other = GCNEncoder(6, 4)
    theirs = [(x, edges, other(x, edges)) for x, edges, _ in views]
    pot = make(setting)
    pot(torch.tensor(1.0), *views)
    with torch.no_grad():
        encoder.convs[0].bias += 1  # As in training: the layers are taken at their word.
    pot(torch.tensor(1.0), *theirs)
    with pytest.raises(ValueError, match="of the first view"):
        pot(torch.tensor(1.0), *theirs)


@pytest.mark.parametrize("form", ["flat", "groups"])
def test_layers_are_replayed_in_every_form_that_has_a_bound(form, setting):
    _, _, views = setting
    first, conv, act, head = nn.Linear(6, 5), GCNConv(5, 5), nn.LeakyReLU(0.3), nn.Linear(5, 4)
    layers = [first, conv, act, head]
    if form == "groups":
        layers = [first, nn.ModuleList([conv, act]), (head, None)]
    seen = [(x, edges, head(act(conv(first(x), edges)))) for x, edges, _ in views]
    assert make(setting, encoder=None, layers=layers)(torch.tensor(1.0), *seen).isfinite()


@pytest.mark.parametrize("conv", ["sage", "gin"])
def test_sparse_features_are_replayed(conv, setting):
    _, _, views = setting
    encoder = GNNEncoder(6, 4, conv=conv)
    dense = [(x, edges, encoder(x, edges)) for x, edges, _ in views]
    sparse = [(x.to_sparse_csr(), edges, z) for x, edges, z in dense]
    terms = [make(setting, encoder=encoder)(torch.tensor(1.0), *seen) for seen in (dense, sparse)]
    torch.testing.assert_close(*terms)


def test_small_embeddings_do_not_hide_other_layers(setting):
    _, encoder, views = setting
    other = GCNEncoder(6, 4)
    with torch.no_grad():
        for network in (encoder, other):
            network.convs[1].lin.weight *= 1e-6
    for network in (encoder, other):
        seen = [(x, edges, network(x, edges)) for x, edges, _ in views]
        if network is encoder:
            assert make(setting)(torch.tensor(1.0), *seen).isfinite()
        else:
            with pytest.raises(ValueError, match="of the first view"):
                make(setting)(torch.tensor(1.0), *seen)


def test_what_a_hook_adds_is_seen(setting):
    _, encoder, views = setting
    encoder.convs[0].register_forward_hook(lambda module, args, out: out + args[0].sum())
    seen = [(x, edges, encoder(x, edges)) for x, edges, _ in views]
    with pytest.raises(ValueError, match="of the first view"):
        make(setting)(torch.tensor(1.0), *seen)


@pytest.mark.parametrize("conv", ["gcn", "sage"])
def test_autocast_trains_with_it(conv, setting):
    _, _, views = setting
    encoder = GNNEncoder(6, 4, conv=conv)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        seen = [(x, edges, encoder(x, edges)) for x, edges, _ in views]
        loss = make(setting, encoder=encoder)(torch.tensor(1.0), *seen)
    exact = [(x, edges, encoder(x, edges)) for x, edges, _ in views]
    expected = make(setting, encoder=encoder)(torch.tensor(1.0), *exact)
    torch.testing.assert_close(loss, expected, rtol=0.01, atol=0)
    loss.backward()
    assert all(p.grad.isfinite().all() for p in encoder.parameters())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_narrow_encoder_is_replayed(dtype, setting):
    _, _, views = setting
    for seed in range(20):
        torch.manual_seed(seed)
        layers = [(GCNConv(6, 8).to(dtype), nn.ReLU()), (GCNConv(8, 4).to(dtype), nn.ReLU())]
        seen = []
        for x, edges, _ in views:
            h = x.to(dtype)
            for conv, act in layers:
                h = act(conv(h, edges))
            seen.append((x.to(dtype), edges, h))
        pot = make(setting, encoder=None, layers=layers)
        assert pot(torch.tensor(1.0), *seen).isfinite()
        x, edges, z = seen[0]
        with pytest.raises(ValueError, match="of the first view"):
            make(setting, encoder=None, layers=layers)(
                torch.tensor(1.0), (x, edges, 1.2 * z), seen[1]
            )


def test_slopes_are_put_back_wherever_they_are(setting):
    slopes = [nn.PReLU() for _ in range(5)]
    layers = [
        (GINConv(nn.Sequential(nn.Linear(6, 4), slopes[0], nn.Linear(4, 4))), slopes[1]),
        (GINConv(MLP([4, 4, 4], act=slopes[2], norm=None)), slopes[3]),
        (GCNConv(4, 4), slopes[4]),
    ]
    pot = make(setting, encoder=None, layers=layers)
    with torch.no_grad():
        for module, slope in zip(slopes, (-0.2, 1.4, 1.2, -0.3, 0.3), strict=True):
            module.weight.fill_(slope)
    pot.after_step()
    assert [module.weight.item() for module in slopes] == pytest.approx([0, 1, 1, 0, 0.3])


def test_a_view_of_another_number_of_nodes_is_refused(setting):
    x, edges, z = setting[2][0]
    message = (
        "ProvableTraining: 'num_nodes' must be the number of rows of 'x' and 'z', {} and {} in a "
        "view (got 24)"
    )
    for view, rows in (((x[:20], edges, z[:20]), (20, 20)), ((x, edges, z[:9]), (24, 9))):
        with pytest.raises(ValueError, match="^" + re.escape(message.format(*rows))):
            make(setting)(torch.tensor(1.0), setting[2][1], view)


def test_a_view_has_three_parts(setting):
    (x, edges, z), second = setting[2]
    for view, got in (((x, edges), "2 parts"), (z, "Tensor")):
        with pytest.raises(ValueError) as error:
            make(setting)(torch.tensor(1.0), view, second)
        assert str(error.value) == (
            f"ProvableTraining: 'first' must be (x, edge_index, z) (got '{got}')"
        )


def test_the_graph_moves_with_the_module(setting):
    data, _, views = setting
    pot = make(setting)
    assert pot.get_buffer("edge_index") is data.edge_index and not pot.state_dict()
    assert pot._apply(lambda tensor: views[0][1]) is pot
    assert torch.equal(pot.drops[1].degree, torch.bincount(views[0][1][1], minlength=24))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoder": None}, "'layers' must be given, or 'encoder' instead (got 'neither')"),
        ({"layers": []}, "'layers' must be given, or 'encoder' instead (got 'both')"),
        ({"p": 1.2}, "'p' must be a probability in [0, 1] (got 1.2)"),
        (
            {"p": (0.1, 0.2, 0.3)},
            "'p' must be one drop rate, or one for each of the two views (got (0.1, 0.2, 0.3))",
        ),
        ({"kappa": -0.1}, "'kappa' must be a probability in [0, 1] (got -0.1)"),
        ({"mode": "best"}, "'mode' must be one of ['certified', 'pairwise', 'published']"),
        (
            {"tightness": "tight", "kappa": 0.0},
            "'tightness' must be one of ['budget', 'interval'] (got 'tight')",
        ),
        (
            {"tightness": "two_hop", "mode": "pairwise"},
            "'tightness' must be one of ['budget', 'interval'] (got 'two_hop')",
        ),
        ({"num_nodes": 24.0}, "'num_nodes' must be an integer of at least 1 (got 24.0)"),
        ({"num_nodes": -5}, "'num_nodes' must be an integer of at least 1 (got -5)"),
        (
            {"num_nodes": None, "num_anchors": 3},
            "'num_nodes' must be an integer of at least 1 (got None)",
        ),
        (
            {"edge_index": torch.tensor([[0, 1], [1, 0]]).numpy()},
            "'edge_index' must be a tensor [2, e] (got 'ndarray')",
        ),
        ({"num_anchors": 0}, "'num_anchors' must be an integer of at least 1 (got 0)"),
        (
            {"encoder": None, "layers": [(GATConv(6, 4), nn.ReLU())]},
            "layer 1, GATConv, has no bound; supported: GCNConv,",
        ),
        (
            {"encoder": None, "layers": [(GCNConv(6, 4), nn.RReLU())]},
            "layer 1, RReLU in training mode (its slope is random in every pass), has no bound",
        ),
    ],
)
def test_refusals(options, message, setting):
    with pytest.raises(ValueError, match="^ProvableTraining: " + re.escape(message)):
        make(setting, **options)


def test_its_settings_are_shown(setting):
    assert str(make(setting)) == "ProvableTraining(p=(0.3, 0.5), kappa=0.4, mode='pairwise')"
    assert not list(make(setting).parameters()), "the encoder's parameters stay its own"


def test_drop_rates_in_any_sequence(setting):
    assert make(setting, p=[0.3, 0.5]).p == (0.3, 0.5) and make(setting, p=0.4).p == (0.4, 0.4)

"""What every method promises the training loop, on one small graph."""

import pytest
import torch
from torch import nn
from torch_geometric.nn import GCN, SAGEConv

from gclkit.encoders import view_features
from gclkit.regularizers import ProvableTraining
from gclkit.testing.graphs import random_graph
from gclkit.training import list_methods, load_checkpoint, pretrain

# Settings that reach every branch within three epochs.
SETTINGS = {
    "csgcl": [{"gamma_start": 1}],
    "progcl": [
        {"start_epoch": 2, "refit_every": 1},
        {"start_epoch": 2, "variant": "mix", "mixed": 5},
    ],
    "costa": [{}, {"variant": "multi", "sketch": "sparse"}],
    "bgrl": [{}, {"norm": None}],
}
CASES = [
    pytest.param(method, {"out_channels": 6, **options}, id=f"{name}-{number}")
    for name, method in sorted(list_methods().items())
    for number, options in enumerate(SETTINGS.get(name, [{}]))
]


def step(method, data, epoch=3):
    data = method.prepare(data, torch.Generator().manual_seed(1))
    return data, method.step(data, epoch)


@pytest.fixture
def make():
    def build(cls, options, in_channels=8):
        torch.manual_seed(0)
        return cls(in_channels, **options)

    return build


@pytest.mark.parametrize(("cls", "options"), CASES)
def test_the_gradient_reaches_every_parameter(graph, make, cls, options):
    method = make(cls, options)
    _, out = step(method, graph)
    out.loss.backward()
    for name, parameter in method.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name
        else:
            assert name.startswith("target_"), name


@pytest.mark.parametrize(("cls", "options"), CASES)
def test_views_and_embeddings_are_what_the_encoder_saw_and_gave(graph, make, cls, options):
    method = make(cls, options)
    _, out = step(method, graph)
    assert len(out.views) == len(out.embeddings) == 2
    encoders = [method.encoder, getattr(method, "diffusion_encoder", method.encoder)]
    for encoder, view, z in zip(encoders, out.views, out.embeddings, strict=True):
        again = encoder(view_features(view), view.edge_index, view.get("edge_weight"))
        torch.testing.assert_close(again, z)
        assert z.shape == (36, 6) and z.requires_grad
    assert out.loss.shape == () and out.terms
    assert all(not term.requires_grad and term.shape == () for term in out.terms.values())


@pytest.mark.parametrize(("cls", "options"), CASES)
def test_a_view_of_masked_features_holds_no_copy_of_them(graph, make, cls, options):
    data, out = step(make(cls, options), graph)
    assert all(view.x is data.x for view in out.views if "feature_keep" in view)


@pytest.mark.parametrize(("cls", "options"), CASES)
def test_the_seed_decides_bit_for_bit_also_after_a_stop(graph, make, cls, options, tmp_path):
    def run(epochs, seed=5, **more):
        return pretrain(make(cls, options), graph, epochs=epochs, seed=seed, **more)

    whole = run(4)
    assert torch.equal(run(4).embeddings, whole.embeddings)
    assert not torch.equal(run(4, seed=6).embeddings, whole.embeddings)
    path = tmp_path / "checkpoint.pt"
    run(2, checkpoint=path)
    assert torch.equal(run(4, checkpoint=path, resume=True).embeddings, whole.embeddings)
    model = load_checkpoint(path)["model"]
    assert all(torch.equal(model[key], value) for key, value in whole.method.state_dict().items())


@pytest.mark.parametrize(("cls", "options"), CASES)
def test_sparse_features_give_what_dense_ones_do(make, cls, options):
    dense = random_graph(40, 8, sparse=True, weighted=True, seed=2)
    sparse = dense.clone()
    dense.x = dense.x.to_dense()
    losses = []
    for data in (dense, sparse):
        method = make(cls, options)
        data, out = step(method, data)
        losses.append(out.loss)
        losses.append(method.embed(data).square().sum())
    torch.testing.assert_close(losses[0], losses[2], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(losses[1], losses[3], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("cls", "options"), CASES)
def test_a_batch_of_nodes_works(graph, make, cls, options):
    method = make(cls, options)
    data = method.prepare(graph, torch.Generator().manual_seed(1))
    out = method.step(data.subgraph(torch.arange(4, 24)), 3)
    out.loss.backward()
    assert out.loss.isfinite() and all(z.shape == (20, 6) for z in out.embeddings)


@pytest.mark.parametrize(("cls", "options"), CASES)
def test_leaves_the_graph_as_it_was(graph, make, cls, options):
    before = graph.clone()
    step(make(cls, options), graph)
    assert set(graph.keys()) == set(before.keys())
    for key, value in before:
        assert torch.equal(graph[key], value), key


@pytest.mark.parametrize(("cls", "options"), CASES)
def test_embeds_a_graph_that_was_not_prepared(graph, make, cls, options):
    method = make(cls, options)
    data = method.prepare(graph, torch.Generator().manual_seed(1))
    z = method.embed(graph)
    assert method.training and torch.equal(z, method.embed(data)) and not z.requires_grad


@pytest.mark.parametrize(("cls", "options"), CASES)
def test_learns(graph, make, cls, options):
    history = pretrain(make(cls, options), graph, epochs=40, lr=5e-3, seed=0).history
    start = 3 if "start_epoch" in options else 0
    losses = [record["loss"] for record in history[start:]]
    assert sum(losses[-5:]) < sum(losses[:5])


@pytest.mark.parametrize(("cls", "options"), CASES)
def test_another_encoder_may_be_set(graph, make, cls, options):
    method = make(cls, options)
    method.encoder = GCN(8, 10, 2, 6, act="tanh")
    runs = [pretrain(method, graph, epochs=2, lr=lr, seed=3) for lr in (1e-2, 1e-2, 2e-2)]
    assert torch.equal(runs[0].embeddings, runs[1].embeddings)
    assert not torch.equal(runs[0].embeddings, runs[2].embeddings)
    assert runs[0].embeddings.shape == (36, 6) and isinstance(method.encoder, GCN)


class Bare(nn.Module):
    """An encoder without edge weights in its signature."""

    def __init__(self):
        super().__init__()
        self.conv = SAGEConv(8, 6)

    def forward(self, x, edge_index):
        return self.conv(x, edge_index).tanh()


@pytest.mark.parametrize(("cls", "options"), CASES)
def test_an_encoder_need_not_know_weights_that_a_graph_does_not_have(graph, make, cls, options):
    method = make(cls, options)
    method.encoder = Bare()
    assert pretrain(method, graph, epochs=2, seed=3).embeddings.isfinite().all()
    assert method.encode(graph).shape == (36, 6)


@pytest.mark.parametrize("name", ["costa", "csgcl", "gca", "grace", "progcl"])
def test_provable_training_attaches(graph, make, name):
    method = make(list_methods()[name], {"out_channels": 6, **SETTINGS.get(name, [{}])[0]})
    pot = ProvableTraining(
        encoder=method.encoder,
        edge_index=graph.edge_index,
        num_nodes=graph.num_nodes,
        p=(0.3, 0.4),
        kappa=0.5,
        mode="pairwise",
    )
    plain = pretrain(method, graph, epochs=3, seed=2).embeddings
    proved = pretrain(method, graph, epochs=3, seed=2, regularizer=pot).embeddings
    assert proved.isfinite().all() and not torch.equal(plain, proved)

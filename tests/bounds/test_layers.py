import re
from functools import partial

import pytest
import torch
from torch import nn
from torch_geometric.nn import MLP, BatchNorm, GATConv, GCNConv, GINConv, SAGEConv

from gclkit.bounds import node_compactness
from gclkit.bounds.edge_drop_set import EdgeDropSet
from gclkit.bounds.forward import trace_view
from gclkit.bounds.layers import describe_layers
from gclkit.checks import NotFinite

compiled = partial(torch.compile, backend="eager")


def bn(d, *, train=False):
    norm = nn.BatchNorm1d(d)
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    return norm.train(train)


class Residual(GCNConv):
    def forward(self, x, edge_index):
        return super().forward(x, edge_index) + x


class Doubled(GCNConv):
    def message(self, x_j, edge_weight):
        return 2 * edge_weight[:, None] * x_j


class Shifted(nn.Linear):
    def forward(self, x):
        return super().forward(x) + 3


class Renamed(GCNConv):
    """Computes what its base does."""


def wrapped(conv, name, wrap=lambda module: module):
    """A layer with a part that computes something else than its class."""
    setattr(conv, name, wrap(Shifted(5, 5)))
    return conv


class Stack(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([GCNConv(5, 4)])  # Not a method.


class Twice(nn.Sequential):
    def forward(self, x):
        return super().forward(super().forward(x))


def perceptron():
    return nn.Sequential(nn.Linear(5, 6), bn(6), nn.ReLU(), nn.Dropout(0.5).eval(), nn.Linear(6, 4))


@pytest.mark.parametrize(
    "layers",
    [
        lambda: [(GCNConv(5, 4), nn.ReLU())],
        lambda: [(GCNConv(5, 4, bias=False), nn.PReLU(4)), Renamed(4, 3)],
        lambda: [(GCNConv(5, 4), bn(4), nn.LeakyReLU(0.2)), (GCNConv(4, 3), nn.Identity())],
        lambda: [(GCNConv(5, 4), nn.ReLU(), bn(4)), (GCNConv(4, 3), nn.RReLU().eval())],
        lambda: [(SAGEConv(5, 4), nn.ReLU()), (SAGEConv(4, 3, root_weight=False), bn(3))],
        lambda: [(GINConv(perceptron(), eps=0.4), nn.ReLU())],
        lambda: [(GINConv(MLP([5, 6, 4], dropout=0.5).eval(), train_eps=True), nn.PReLU())],
        lambda: [(GINConv(nn.Sequential(bn(5), nn.ReLU(), nn.Linear(5, 3))), None)],
    ],
)
@torch.no_grad()
def test_replaying_the_steps_gives_the_output(layers, make_graph, run):
    torch.manual_seed(0)
    layers = layers()
    for module in (m for layer in layers for m in (layer if isinstance(layer, tuple) else [layer])):
        if module is not None:
            module.double()
    x, edge_index, _ = make_graph([9, 4], density=0.5)
    drops = EdgeDropSet(edge_index, len(x), 0.3)
    steps = describe_layers("test", layers)
    out = trace_view(steps, x, drops, torch.ones_like(drops.droppable))[-1].after.lower
    stacks = [layer if isinstance(layer, tuple) else (layer,) for layer in layers]
    stacks = [tuple(module for module in stack if module is not None) for stack in stacks]
    torch.testing.assert_close(out, run(stacks, x, edge_index))


def test_an_object_with_layers_keeps_its_gradients():
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = GCNConv(3, 2)

        def layers(self):
            return [(self.conv, nn.ReLU())]

    (step,) = describe_layers("test", Encoder())
    assert step.weight.requires_grad and step.bias.requires_grad


@pytest.mark.parametrize(
    "network",
    [
        lambda wrap: [(wrap(GCNConv(5, 4)), wrap(nn.ReLU())), wrap(nn.Linear(4, 3))],
        lambda wrap: wrap(nn.Sequential(GCNConv(5, 4), nn.ReLU())),
        lambda wrap: [(wrap(GINConv(wrap(nn.Sequential(nn.Linear(5, 4), nn.PReLU())))), None)],
        lambda wrap: [wrap(nn.Sequential(GINConv(wrap(MLP([5, 4, 3], norm=None)))))],
    ],
)
def test_a_compiled_module_is_read_as_what_it_compiles(network):
    steps = []
    for wrap in (compiled, lambda module: module):
        torch.manual_seed(0)
        steps.append(describe_layers("test", network(wrap)))
    for first, second in zip(*steps, strict=True):
        assert (first.propagation is None) == (second.propagation is None)
        for name in ("weight", "bias", "negative_slope"):
            assert torch.equal(getattr(first, name), getattr(second, name))


def test_a_step_by_both_weights():
    torch.manual_seed(0)
    sage, gcn, linear = describe_layers("test", [SAGEConv(3, 2), GCNConv(2, 4), nn.Linear(4, 2)])
    sent, own = sage.by_weights(lambda weight: 2 * weight)
    assert torch.equal(sent, 2 * sage.weight) and torch.equal(own, 2 * sage.root_weight)
    sent, own = gcn.by_weights(lambda weight: 2 * weight)
    assert sent is own and gcn.summing is gcn.propagation
    with pytest.raises(AssertionError):
        _ = linear.summing


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([(GCNConv(5, 4), nn.ReLU()), (GATConv(4, 3), nn.ReLU())], "layer 2, GATConv, has no"),
        ([(GCNConv(5, 4), nn.ELU())], "layer 1, ELU, has no bound"),
        ([(GCNConv(5, 4), nn.LayerNorm(4))], "layer 1, LayerNorm, has no bound"),
        ([(GCNConv(-1, 4), nn.ReLU())], "layer 1, GCNConv before its first call, has no bound"),
        ([GCNConv(5, 4), SAGEConv(-1, 4)], "layer 2, SAGEConv before its first call, has no"),
        ([GINConv(nn.LazyLinear(4))], "layer 1, GINConv before its first call, has no bound"),
        ([(GCNConv(5, 4, normalize=False), nn.ReLU())], "layer 1, GCNConv without normalisation"),
        ([(GCNConv(5, 4, add_self_loops=False), nn.ReLU())], "layer 1, GCNConv without self-loops"),
        ([(GCNConv(5, 4, improved=True), nn.ReLU())], "layer 1, GCNConv with improved=True"),
        ([(GCNConv(5, 4, aggr="mean"), nn.ReLU())], "layer 1, GCNConv with aggr='mean', has no"),
        ([(GCNConv(5, 4, cached=True), nn.ReLU())], "layer 1, GCNConv with cached=True, has no"),
        ([(Residual(5, 5), nn.ReLU())], "layer 1, Residual with a 'forward' of its own, has no"),
        ([(Doubled(5, 5), nn.ReLU())], "layer 1, Doubled with a 'message' of its own, has no"),
        ([GCNConv(5, 4), Shifted(4, 3)], "layer 2, Shifted with a 'forward' of its own, has no"),
        ([GINConv(Twice(nn.Linear(5, 5)))], "layer 1, Twice with a 'forward' of its own, has no"),
        ([wrapped(GCNConv(5, 5), "lin")], "layer 1, Shifted with a 'forward' of its own, has no"),
        ([wrapped(GCNConv(5, 5), "lin", compiled)], "layer 1, Shifted with a 'forward' of"),
        ([wrapped(SAGEConv(5, 5), "lin_l")], "layer 1, Shifted with a 'forward' of its own, has"),
        ([wrapped(SAGEConv(5, 5), "lin_r")], "layer 1, Shifted with a 'forward' of its own, has"),
        ([GCNConv(5, 5), wrapped(BatchNorm(5).eval(), "module")], "layer 2, Shifted with a 'for"),
        (Twice(GCNConv(5, 5)), "the encoder, Twice with a 'forward' of its own, has no bound"),
        (
            [GINConv(nn.Linear(5, 4), flow="target_to_source")],
            "layer 1, GINConv with flow='target_to_source', has no bound",
        ),
        ([GINConv(MLP([5, 6, 4], norm=None, dropout=0.2))], "layer 1, Dropout in training mode"),
        ([(SAGEConv(5, 4, aggr="max"), nn.ReLU())], "layer 1, SAGEConv with aggr='max', has no"),
        ([(SAGEConv(5, 4, normalize=True), nn.ReLU())], "layer 1, SAGEConv with normalize=True"),
        ([(SAGEConv(5, 4, project=True), nn.ReLU())], "layer 1, SAGEConv with project=True, has"),
        (
            [(GCNConv(5, 4), bn(4, train=True), nn.ReLU())],
            "layer 1, BatchNorm1d in training mode (its statistics depend on the view), has no",
        ),
        (
            [(GCNConv(5, 4), nn.BatchNorm1d(4, track_running_stats=False).eval())],
            "layer 1, BatchNorm1d with track_running_stats=False (its statistics depend on the vi",
        ),
        ([(GCNConv(5, 4), nn.Dropout(0.3))], "layer 1, Dropout in training mode, has no bound"),
        (
            [(GCNConv(5, 4), nn.RReLU())],
            "layer 1, RReLU in training mode (its slope is random in every pass), has no bound",
        ),
        ([], "'encoder' must be made of at least one GCN, SAGE or GIN layer (got 'none')"),
        (Stack(), "'encoder' must be an object with a method 'layers' or a sequence"),
        (nn.Linear(3, 2), "'encoder' must be an object with a method 'layers' or a sequence"),
    ],
)
def test_what_has_no_bound_is_refused_by_name(layers, message, make_graph):
    x, edge_index, z = make_graph([6])
    with pytest.raises(ValueError, match="^node_compactness: " + re.escape(message)) as error:
        node_compactness(layers, x.float(), edge_index, targets=z, p=0.3, mode="certified")
    if "has no bound" in str(error.value):
        assert "; supported: GCNConv, SAGEConv (mean), GINConv" in str(error.value)


@pytest.mark.parametrize("slope", [-0.1, 1.2])
def test_a_slope_outside_the_unit_interval_is_refused(slope):
    with pytest.raises(
        ValueError,
        match=r"^test: 'negative_slope' must be in \[0, 1\] for the lines to hold; clamp a PReLU "
        r"after every step of its training, as ProvableTraining\.after_step\(\) does \(got \[",
    ):
        describe_layers("test", [(GCNConv(3, 2), nn.PReLU(init=slope))])


def test_a_slope_that_diverged_is_told_apart():
    with pytest.raises(NotFinite, match=r"^test: 'negative_slope' must be finite \(got '1 of 1"):
        describe_layers("test", [(GCNConv(3, 2), nn.PReLU(init=float("nan")))])

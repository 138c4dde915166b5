"""The estimate follows what is counted, names the knob when it refuses, and precedes training."""

import copy
import re

import pytest
import torch
from torch_geometric.nn import GCN

import gclkit.training.memory as memory
from gclkit.encoders import view_features
from gclkit.methods import BGRL, CCASSG, COSTA, CSGCL, DGI, GBT, GCA, GRACE, MVGRL, ProGCL
from gclkit.ops import release_memory
from gclkit.regularizers import ProvableTraining
from gclkit.testing.graphs import random_graph
from gclkit.testing.measure import PeakBytes
from gclkit.training import MemoryEstimate, estimate_training_memory, pretrain

N, F = 1600, 48


@pytest.fixture(autouse=True)
def one_thread():
    """Under the instrument that counts bytes the losses run in one thread, so count one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def graph():
    return random_graph(num_nodes=N, num_features=F, seed=3)


def sparse(graph):
    graph = copy.copy(graph)
    graph.x = (graph.x * (graph.x > 1.8)).to_sparse_csr()
    return graph


def pot(method, graph, mode="pairwise"):
    sizes = {"edge_index": graph.edge_index, "num_nodes": N, "p": (0.3, 0.4)}
    return ProvableTraining(encoder=method.encoder, mode=mode, **sizes)


def pot_of_layers(method, graph):
    layers = [(conv, torch.nn.ReLU()) for conv in method.encoder.convs]
    return ProvableTraining(layers=layers, edge_index=graph.edge_index, num_nodes=N)


def peak_of_a_step(method, graph, regularizer=None):
    batch = method.prepare(graph, torch.Generator().manual_seed(5))
    release_memory()  # What a larger call before has left would be taken whole.
    with PeakBytes() as measured:
        output = method.step(batch, 1)
        loss = output.loss
        if regularizer is not None:
            pairs = zip(output.views, output.embeddings, strict=True)
            loss = regularizer(loss, *((view_features(v), v.edge_index, z) for v, z in pairs))
        loss.backward()
    return measured.peak


@pytest.mark.parametrize("cls", [GRACE, CSGCL])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"activation": "rrelu", "anchors": 300},
        {"activation": "prelu", "num_layers": 3, "hidden_channels": 90},
        {"norm": "layer", "memory_budget": 30e6},
    ],
)
def test_is_near_the_bytes_of_a_step(cls, options, graph):
    method = cls(F, out_channels=72, projection_channels=40, **options)
    estimate = estimate_training_memory(method, graph)
    step = (estimate.total - estimate.process - estimate.features) / memory.HELD_BY_ALLOCATOR
    assert 0.9 < step / peak_of_a_step(method, graph) < 1.6


@pytest.mark.parametrize(
    "method",
    [
        DGI(F),
        BGRL(F),
        CCASSG(F, out_channels=256),
        GBT(F),
        MVGRL(F, out_channels=256),
        GCA(F),
        COSTA(F, out_channels=128),
        ProGCL(F, start_epoch=1, columns=200),
        ProGCL(F, start_epoch=1, variant="mix"),
        ProGCL(F, start_epoch=1, variant="mix", mixed=N),
        ProGCL(F, start_epoch=1, variant="mix", memory_budget=150e6),
    ],
    ids=lambda method: type(method).__name__,
)
def test_is_near_the_bytes_of_every_other_method(method, graph):
    estimate = estimate_training_memory(method, graph)
    step = (estimate.total - estimate.process - estimate.features) / memory.HELD_BY_ALLOCATOR
    assert 1.0 < step / peak_of_a_step(method, graph) < 1.55


def test_holes_are_few_where_every_matrix_is_mapped_by_itself(graph, monkeypatch):
    method = GRACE(F, out_channels=72, anchors=30)
    small = estimate_training_memory(method, graph)
    monkeypatch.setattr(memory, "MAPPED_BYTES", 4 * N * 72)
    large = estimate_training_memory(method, graph)
    holes = memory.HELD_BY_ALLOCATOR / memory.HELD_BESIDE_MAPPED
    assert holes > 1.1
    assert small.encoder / large.encoder == pytest.approx(holes, rel=1e-3)
    monkeypatch.setattr(memory, "MAPPED_BYTES", 4 * N * 72 + 1)
    assert estimate_training_memory(method, graph).encoder == small.encoder


@pytest.mark.parametrize("mode", ["published", "pairwise", "certified"])
def test_counts_provable_training(mode, graph):
    method = GRACE(F, out_channels=72, projection_channels=40)
    regularizer = pot(method, graph, mode)
    without = peak_of_a_step(method, graph)
    extra = peak_of_a_step(method, graph, regularizer) - without
    estimate = estimate_training_memory(method, graph, regularizer=regularizer)
    assert 0.6 < estimate.pot / memory.HELD_AFTER_BOUNDS[mode] / extra < 1.5
    assert estimate_training_memory(method, graph).pot == 0
    if mode == "certified":  # Resident at 1.3 times the live bytes, in processes of their own.
        assert 1.3 < estimate.pot / extra < 1.9


def test_bounds_are_counted_whole_up_to_where_they_run_in_blocks(graph, monkeypatch):
    method = GRACE(F, out_channels=72, projection_channels=40)
    found = []
    for limit in (graph.num_nodes * 144, graph.num_nodes * 72 - 1):  # The hidden layer has 144.
        for module in ("bounds.blocks", "training.memory"):
            monkeypatch.setattr(f"gclkit.{module}.WHOLE_NUMEL", limit)
        regularizer = pot(method, graph)
        estimate = estimate_training_memory(method, graph, regularizer=regularizer)
        extra = peak_of_a_step(method, graph, regularizer) - peak_of_a_step(method, graph)
        held = (memory.HELD_AFTER_BLOCKS, memory.HELD_AFTER_BOUNDS["pairwise"])[limit >= N * 144]
        assert 0.6 < estimate.pot / held / extra < 1.5
        found.append(estimate.pot / held)
    assert found[0] > 1.5 * found[1]


def test_sparse_features_take_less(graph):
    method = GRACE(F, out_channels=8)
    dense, csr = (estimate_training_memory(method, g) for g in (graph, sparse(graph)))
    assert csr.views < dense.views and csr.encoder == dense.encoder
    values = sparse(graph).x
    entries = values.values().numel()
    assert csr.features == dense.features - N * F * 4 + entries * 12 + (N + 1) * 8
    bare = copy.copy(graph)
    bare.x = torch.zeros(N, F).to_sparse_csr()
    # The values of each view, and the matrix that the backward pass turns around.
    views = memory.HELD_BY_ALLOCATOR * entries * (2 * 4 + memory.TRANSPOSED_BYTES)
    assert csr.views - estimate_training_memory(method, bare).views == pytest.approx(views, abs=2)


def test_the_rows_add_up_and_are_printed():
    estimate = MemoryEstimate(400_000_000, 3_000_000, 5_000_000, 70_000_000, 11, 0, 2_000_000)
    assert estimate.total == 480_000_011
    lines = estimate.lines()
    assert lines[0] == "process base               400.0 MB"
    assert lines[-1] == "total                      480.0 MB"
    assert [line[:8].strip() for line in lines[1:-1]] == [
        "features", "views", "encoder", "loss", "POT", "optimize"
    ]  # fmt: skip


def test_a_method_without_pairs_is_linear_in_the_nodes(graph):
    estimate = estimate_training_memory(BGRL(F, out_channels=16), graph)
    assert 0 < estimate.loss <= memory.HELD_BY_ALLOCATOR * 7 * 4 * N * 16
    parameters = sum(p.numel() for p in BGRL(F, out_channels=16).parameters())
    assert estimate.optimizer < memory.HELD_BY_ALLOCATOR * 16 * parameters


def test_refuses_before_the_first_epoch_and_writes_nothing(graph, tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda device: 9_000_000)
    method = GRACE(F, out_channels=72)
    path = tmp_path / "checkpoint.pt"
    message = (
        r"GRACE: needs about [\d.]+ MB for training on n=1600, f=48 \(9\.0 MB free\); "
        r"use smaller out_channels"
    )
    with pytest.raises(ValueError, match=f"^{message}$"):
        pretrain(method, graph, epochs=3, checkpoint=path)
    assert not list(tmp_path.iterdir())


def wide(graph):
    graph = copy.copy(graph)
    graph.x = torch.rand(N, 6000)
    return graph


@pytest.mark.parametrize(
    ("options", "change", "advice"),
    [
        ({"backend": "reference"}, None, "use backend='blockwise'"),
        ({"memory_budget": 50e6}, None, "use a smaller memory_budget"),
        ({}, wide, "use features in the CSR layout"),
        (
            {"out_channels": 90},
            pot,
            "use the mode 'pairwise', the least, of provable training or smaller",
        ),
    ],
)
def test_names_what_takes_most(options, change, advice, graph, monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda device: 1_000_000)
    graph = wide(graph) if change is wide else graph
    method = GRACE(graph.num_features, **{"out_channels": 6, "projection_channels": 6} | options)
    regularizer = pot(method, graph) if change is pot else None
    with pytest.raises(ValueError, match=re.escape(advice)):
        pretrain(method, graph, epochs=3, regularizer=regularizer)


def test_a_graph_not_fit_for_training_is_refused(graph):
    with pytest.raises(ValueError, match=r"^GRACE: "):
        estimate_training_memory(GRACE(F), copy.copy(graph).update({"x": None}))


def test_an_encoder_of_another_kind_leaves_the_loss_as_it_was(graph):
    method = GRACE(F, out_channels=40, projection_channels=8)
    known = estimate_training_memory(method, graph)
    method.encoder = GCN(F, 24, 2, 40)
    estimate = estimate_training_memory(method, graph, regularizer=pot_of_layers(method, graph))
    assert estimate.loss == known.loss and estimate.pot == 0
    assert 0 < estimate.encoder < known.encoder
    del method.projector
    assert estimate_training_memory(method, graph).loss == 0

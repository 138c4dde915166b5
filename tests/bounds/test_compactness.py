import re

import pytest
import torch

from gclkit.bounds import EdgeDropSet, draw_view, node_compactness, target_vectors


@torch.no_grad()
@pytest.mark.parametrize("conv", ["gcn", "sage", "gin"])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "identity"])
def test_without_budgets_every_bound_is_the_value(conv, activation, make_encoder, make_graph, run):
    layers = make_encoder(conv, activation, (5, 6, 6, 4), norm=True)
    x, edge_index, z = make_graph([7, 9])
    true = (target_vectors(z) * run(layers, x, edge_index)).sum(dim=1)
    budget = torch.zeros(len(x), dtype=torch.int64)
    for mode, tightness in (
        ("certified", "budget"),
        ("certified", "two_hop"),
        ("pairwise", "budget"),
    ):
        bound = node_compactness(
            layers,
            x,
            edge_index,
            targets=z,
            budget=budget,
            mode=mode,
            tightness=tightness,
            view_edge_index=edge_index,
        )
        torch.testing.assert_close(bound, true, rtol=0, atol=1e-9)


@torch.no_grad()
@pytest.mark.parametrize(
    ("mode", "tightness"),
    [
        ("pairwise", "interval"),
        ("pairwise", "budget"),
        ("certified", "interval"),
        ("certified", "budget"),
        ("certified", "two_hop"),
    ],
)
@pytest.mark.parametrize("conv", ["gcn", "sage", "gin"])
def test_a_subset_gives_the_values_of_the_whole(mode, tightness, conv, make_encoder, make_graph):
    layers = make_encoder(conv)
    x, edge_index, z = make_graph([7, 9, 12])
    drops = EdgeDropSet(edge_index, len(x), 0.4)
    kept = draw_view(drops, torch.Generator().manual_seed(0))
    settings = {
        "targets": z,
        "p": 0.4,
        "mode": mode,
        "tightness": tightness,
        "view_edge_index": torch.stack([drops.source, drops.target])[:, kept],
    }
    nodes = torch.tensor([20, 3, 11, 8])
    everything = node_compactness(layers, x, edge_index, **settings)
    some = node_compactness(layers, x, edge_index, nodes=nodes, **settings)
    assert everything.dtype == torch.float64
    torch.testing.assert_close(some, everything[nodes])
    sparse = node_compactness(layers, x.to_sparse_csr(), edge_index, **settings)
    torch.testing.assert_close(sparse, everything)


@pytest.mark.parametrize("widths", [(5, 4), (5, 6, 4)])
@pytest.mark.parametrize("tightness", ["interval", "budget", "two_hop"])
def test_no_nodes_have_no_values(widths, tightness, make_encoder, make_graph):
    x, edge_index, z = make_graph([7])
    settings = {"targets": z, "p": 0.4, "nodes": torch.empty(0, dtype=torch.int64)}
    modes = ["certified"] if tightness == "two_hop" else ["certified", "pairwise"]
    for mode in modes:
        view = None if mode == "certified" else edge_index
        settings |= {"mode": mode, "tightness": tightness, "view_edge_index": view}
        bound = node_compactness(make_encoder("gcn", "relu", widths), x, edge_index, **settings)
        assert bound.shape == (0,) and bound.requires_grad


@pytest.mark.parametrize(
    ("mode", "tightness"),
    [
        ("published", "interval"),
        ("pairwise", "interval"),
        ("certified", "interval"),
        ("certified", "budget"),
        ("certified", "two_hop"),
    ],
)
@pytest.mark.parametrize("activation", ["relu", "prelu"])
def test_gradients(mode, tightness, activation, make_encoder, make_graph):
    layers = make_encoder("gcn", activation)
    x, edge_index, z = make_graph([7])
    inputs = [x.requires_grad_(), z.requires_grad_()]
    inputs += [p for layer in layers for module in layer for p in module.parameters()]

    weights = torch.linspace(0.5, 2, 7).double()  # Target vectors sum to zero over the nodes.

    def score():
        return weights @ node_compactness(
            layers,
            x,
            edge_index,
            targets=z,
            p=0.4,
            mode=mode,
            tightness=tightness,
            view_edge_index=None if mode == "certified" else edge_index,
        )

    grads = torch.autograd.grad(score(), inputs)
    assert all(grad.abs().sum() > 0 for grad in grads)
    generator = torch.Generator().manual_seed(1)
    for value, grad in zip(inputs, grads, strict=True):
        step = torch.randn(value.shape, generator=generator).double()
        with torch.no_grad():
            value += 1e-6 * step
            up = score()
            value -= 2e-6 * step
            down = score()
            value += 1e-6 * step
        assert float((up - down) / 2e-6) == pytest.approx(float((grad * step).sum()), rel=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("mode", ["published", "pairwise", "certified"])
@pytest.mark.parametrize("tightness", ["interval", "budget", "two_hop"])
def test_a_nan_stays(mode, tightness, make_encoder, make_graph):
    if tightness == "two_hop" and mode != "certified":
        return
    x, edge_index, z = make_graph([6, 6], density=0.9)
    x[2, 1] = torch.nan
    score = node_compactness(
        make_encoder(),
        x,
        edge_index,
        targets=z,
        p=0.4,
        mode=mode,
        tightness=tightness,
        view_edge_index=edge_index,
    )
    assert score[2].isnan() and not score[6:].isnan().any()


@torch.no_grad()
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mode": "best"}, "'mode' must be one of ['certified', 'pairwise', 'published']"),
        ({"tightness": "two_hop"}, "'tightness' must be one of ['budget', 'interval']"),
        ({"view_edge_index": None}, "'view_edge_index' must be given in mode 'pairwise'"),
        ({"p": None}, "'p' must be given, or 'budget' or 'drops' instead (got '0 of the three')"),
        (
            {"budget": torch.zeros(12, dtype=torch.int64)},
            "'p' must be given, or 'budget' or 'drops' instead (got '2 of the three')",
        ),
        (
            {"p": torch.ones(12, dtype=torch.int64)},
            "'p' must be a probability in [0, 1] (got tensor([1, 1",
        ),
        ({"p": None, "budget": 0.5}, "'budget' must be one integer per node, of shape (12,) (got "),
        ({"p": None, "budget": [1] * 12}, "'budget' must be one integer per node, of shape (12,)"),
        ({"p": None, "drops": "a"}, "'drops' must be an EdgeDropSet (got 'str')"),
        ({"p": 1.5}, "'p' must be a probability in [0, 1] (got 1.5)"),
        ({"targets": torch.ones(12, 4)}, "'targets' must be of dtype torch.float64 (got"),
        (
            {"targets": torch.ones(12, 1).double()},
            "'targets' must be a tensor of 2 dimensions and 4 columns (got (12, 1))",
        ),
        (
            {"x": torch.ones(12, 6).double()},
            "'x' must be a tensor of 2 dimensions and 5 columns (got (12, 6))",
        ),
        (
            {"targets": torch.ones(3, 4).double()},
            "'targets' must be of one row per node, 12 (got 3)",
        ),
        (
            {"drops": EdgeDropSet(torch.tensor([[0, 6], [6, 0]]), 7, 0.4), "p": None},
            "'drops' must be a set over the 12 nodes of 'x' (got 7)",
        ),
        (
            {"drops": EdgeDropSet(torch.tensor([[0, 6], [6, 0]]), 12, 0.4), "p": None},
            "'drops' must be a set over 'edge_index' (got 'a set over 2 edges')",
        ),
        ({"nodes": torch.tensor([1, 12])}, "'nodes' must be node indices from 0 to 11 (got 12)"),
        (
            {"nodes": torch.tensor([1, 3]).int()},
            "'nodes' must be a tensor [t] of dtype torch.int64 (got tensor([1, 3], dtype=torch",
        ),
        ({"nodes": [2]}, "'nodes' must be a tensor [t] of dtype torch.int64 (got [2])"),
        (
            {"mode": "published", "nodes": torch.tensor([12])},
            "'nodes' must be node indices from 0 to 11",
        ),
        ({"nodes": torch.tensor([1, 1])}, "'nodes' must be named once each"),
        (
            {"view_edge_index": torch.tensor([[0, 11], [11, 0]])},
            "'view_edge_index' must be a view of 'edge_index', without edges of its own "
            "(got '2 edges that the graph lacks')",
        ),
        (
            {"mode": "certified", "view_edge_index": torch.empty(2, 0, dtype=torch.int64)},
            "'view_edge_index' must be inside the certified set (got '12 nodes over budget')",
        ),
    ],
)
def test_refusals(change, message, make_encoder, make_graph):
    x, edge_index, z = make_graph([6, 6])
    settings = {"x": x, "targets": z, "p": 0.4, "view_edge_index": edge_index, **change}
    with pytest.raises(ValueError, match="^node_compactness: " + re.escape(message)):
        node_compactness(make_encoder(), edge_index=edge_index, **settings)


@torch.no_grad()
def test_a_certificate_of_a_view_that_dropped_one_direction_is_refused(make_encoder, make_graph):
    x, edge_index, z = make_graph([6], density=0.9)
    drops = EdgeDropSet(edge_index, 6, 0.4)
    kept = torch.ones_like(drops.droppable)
    kept[drops.droppable.nonzero()[0]] = False
    view = torch.stack([drops.source, drops.target])[:, kept]
    settings = {"targets": z, "mode": "certified", "view_edge_index": view}
    with pytest.raises(ValueError) as error:
        node_compactness(make_encoder(), x, edge_index, drops=drops, **settings)
    assert str(error.value) == (
        "node_compactness: 'view_edge_index' must be inside the certified set, with both "
        "directions of each edge or none (got 'one direction of some edges')"
    )
    wide = drops.enlarged(kept)  # The bound of this set speaks of such views.
    assert node_compactness(make_encoder(), x, edge_index, drops=wide, **settings).isfinite().all()


@torch.no_grad()
@pytest.mark.parametrize("mode", ["published", "pairwise", "certified"])
def test_autocast_does_not_widen_the_rounding(mode, make_encoder, make_graph):
    layers = [tuple(module.float() for module in layer) for layer in make_encoder()]
    x, edge_index, z = make_graph([7, 9])
    settings = {"targets": z.float(), "p": 0.4, "mode": mode}
    settings |= {"view_edge_index": None if mode == "certified" else edge_index}
    exact = node_compactness(layers, x.float(), edge_index, **settings)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(node_compactness(layers, x.float(), edge_index, **settings), exact)


@torch.no_grad()
def test_one_node_has_no_others(make_encoder):
    none = torch.empty(2, 0, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"^target_vectors: 'z' must be of at least 2 nodes"):
        node_compactness(
            make_encoder(),
            torch.ones(1, 5).double(),
            none,
            targets=torch.ones(1, 4).double(),
            p=0.4,
            mode="certified",
        )

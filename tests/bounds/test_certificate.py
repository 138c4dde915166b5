import re

import pytest
import torch

from gclkit.bounds import EdgeDropSet, certify, node_compactness


def test_the_figures_follow_from_the_arrays(make_encoder, make_graph, run):
    layers = make_encoder()
    x, edge_index, _ = make_graph([9, 12, 8])
    result = certify(layers, x, edge_index, p=0.4, num_views=10, rounds=4)
    with torch.no_grad():
        z = run(layers, x, edge_index)
        bound = node_compactness(
            layers, x, edge_index, targets=z, p=0.4, mode="certified", tightness="two_hop"
        )
    torch.testing.assert_close(result.bound, bound[result.nodes])
    assert (result.bound <= result.found + 1e-9).all()
    assert (result.found <= result.clean + 1e-9).all()
    figures = result.to_dict()
    assert figures["nodes"] == len(result.nodes)
    assert figures["certified_positive"] == float((result.bound > 0).float().mean())
    gap = (result.found.mean() - result.bound.mean()) / result.clean.mean()
    assert figures["gap"] == pytest.approx(float(gap))
    assert figures["mean_norm"] == pytest.approx(float(z.norm(dim=1).mean()))
    assert torch.equal(result.degree, EdgeDropSet(edge_index, len(x), 0.4).degree[result.nodes])
    again = certify(iter(layers), x, edge_index, p=0.4, num_views=10, rounds=4)
    assert torch.equal(again.bound, result.bound)
    assert figures["reach_share"] == pytest.approx(len(result.nodes) / len(x))


def test_drawn_nodes_and_refusals(make_encoder, make_graph):
    x, edge_index, _ = make_graph([9, 12, 8])
    few = certify(make_encoder(), x, edge_index, p=0.4, num_nodes=5, num_views=0, rounds=1, seed=3)
    again = certify(
        make_encoder(), x, edge_index, p=0.4, num_nodes=5, num_views=0, rounds=1, seed=3
    )
    assert len(few.nodes) == 5 and torch.equal(few.nodes, again.nodes)
    with pytest.raises(ValueError, match=r"^certify: 'p' must be a probability in \[0, 1\]"):
        certify(make_encoder(), x, edge_index, p=2.0)
    with pytest.raises(ValueError, match=r"^certify: 'p' must be a probability in \[0, 1\]"):
        certify(make_encoder(), x, edge_index, p=torch.ones(len(x), dtype=torch.int64))
    for p in (0.0, 0.01):
        with pytest.raises(ValueError) as error:
            certify(make_encoder(), x, edge_index, p=p)
        rule = "large enough for some node to lose an edge"
        assert str(error.value) == f"certify: 'p' must be {rule} (got {p})"


def test_each_step_is_told_before_it_and_boxes_too_large_are_refused(make_encoder, make_graph):
    x, edge_index, _ = make_graph([9, 12, 8])
    settings = {"p": 0.4, "num_nodes": 5, "num_views": 3, "rounds": 2}
    told = []
    certify(make_encoder(), x, edge_index, **settings, memory_budget=1e9, log=told.append)
    assert [line.split()[:2] for line in told] == [
        ["bounds", "of"], ["their", "minimum"], ["their", "worst"]
    ]  # fmt: skip
    told = []
    small = {**settings, "memory_budget": 2e3, "log": told.append}
    with pytest.raises(ValueError) as error:
        certify(make_encoder(), x, edge_index, **small)
    assert not told
    assert re.fullmatch(
        r"certify: needs about \d+\.\d kB for the two_hop bounds of n=29 nodes that lose up to \d+ "
        r"edges, of 2\.0 kB; use tightness='budget' \(--tightness budget\)",
        str(error.value),
    )
    certify(make_encoder(), x, edge_index, **small, tightness="budget")
    with pytest.raises(ValueError, match=r"^certify: 'memory_budget' must be a positive number"):
        certify(make_encoder(), x, edge_index, p=0.4, memory_budget=0)

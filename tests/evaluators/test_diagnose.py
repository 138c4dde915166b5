import json

import pytest
import torch

from gclkit.evaluators import LinearProbe, diagnose, make_splits
from gclkit.testing.graphs import random_graph


def test_everything_is_there_and_plain():
    graph = random_graph(90, 6, seed=1)
    graph.node_strength = torch.linspace(0, 1, 90)
    splits = make_splits(graph, num_splits=2)
    scores = list(zip(splits, LinearProbe().score_splits(graph.x, graph.y, splits), strict=True))
    found = diagnose(graph.x, graph, scores=scores)
    assert json.loads(json.dumps(found)) == found
    assert set(found) == {
        "accuracy_by", "alignment", "anisotropy", "effective_negatives", "effective_rank",
        "hardness_entropy", "pair_nodes", "similarity", "spectrum", "tolerance",
        "tolerance_conditional", "uniformity",
    }  # fmt: skip
    assert set(found["accuracy_by"]) == {"degree", "community_strength"}
    assert sum(found["accuracy_by"]["degree"]["sizes"]) == 2 * 72
    assert sum(found["similarity"]["positive"] + found["similarity"]["negative"]) == 90 * 89 // 2


def test_what_does_not_apply_is_left_out():
    graph = random_graph(40, 5)
    del graph.y
    found = diagnose(graph.x, graph)
    assert "tolerance" not in found and "similarity" not in found and "accuracy_by" not in found


def test_unknown_classes_are_no_class():
    graph = random_graph(60, 5, num_classes=3, seed=4)
    graph.y[10:25] = -1
    found = diagnose(graph.x, graph)
    known = graph.subgraph(graph.y >= 0)
    expected = diagnose(known.x, known)
    for name in ("tolerance", "tolerance_conditional", "similarity"):
        assert found[name] == expected[name]
    graph.y[1:] = -1
    assert "tolerance" not in diagnose(graph.x, graph)


def test_large_graphs_are_sampled():
    graph = random_graph(80, 5)
    assert diagnose(graph.x, graph, at_most=30)["pair_nodes"] == 30


def test_refuses_bad_input():
    graph = random_graph(40, 5)
    with pytest.raises(ValueError) as error:
        diagnose(graph.x, graph, at_most=1)
    assert str(error.value) == "diagnose: 'at_most' must be an integer of at least 2 (got 1)"
    graph.edge_index = graph.edge_index + 3
    with pytest.raises(ValueError, match=r"^diagnose: 'edge_index' must be "):
        diagnose(graph.x, graph)

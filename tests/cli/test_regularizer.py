import re

import pytest
import torch

from gclkit.cli.regularizer import build_regularizer
from gclkit.methods import GRACE
from gclkit.training import RunConfig, build_method
from gclkit.training.run_settings import RunSettings


def test_the_regularizer_takes_the_rates_of_the_method(config, graph):
    chosen = config(regularizer="pot", kappa=0.25, pot_mode="certified", pot_anchors=7)
    method = build_method(chosen, graph.num_features)
    pot = build_regularizer(chosen, method, graph)
    assert (pot.p, pot.kappa, pot.mode, pot.num_anchors) == ((0.3, 0.5), 0.25, "certified", 7)
    assert build_regularizer(config(), method, graph) is None


def test_no_regularizer_without_two_views_of_known_rates(graph):
    chosen = RunConfig("grace", "sbm", run=RunSettings(regularizer="pot"))
    sentence = (
        "train: 'regularizer' must be left out: the method has no two views of the graph with "
        "drop rates 'edge_p' (got 'pot')"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        build_regularizer(chosen, GRACE(5), graph)


def test_no_bounds_on_a_graph_with_edge_weights(config, graph):
    weighted = graph.clone()
    weighted.edge_weight = torch.full((graph.num_edges,), 0.5)
    chosen = config(regularizer="pot", kappa=0.25, pot_mode="pairwise")
    method = build_method(chosen, graph.num_features)
    sentence = "train: 'regularizer' must be left out: bounds are of graphs without edge weights"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        build_regularizer(chosen, method, weighted)

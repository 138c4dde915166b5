import re

import pytest
import torch

from gclkit.cli.choices import ALL_CONTROLS
from gclkit.cli.controls import (
    check_controls,
    control_embeddings,
    control_section,
    evaluation_control,
)
from gclkit.graphs import load
from gclkit.methods import (
    diffused_features,
    diffused_topics,
    features_by_hop,
    propagated_features,
    spectral_embedding,
)
from gclkit.training import RunConfig
from gclkit.training.run_settings import RunSettings


@pytest.fixture(scope="module")
def graph():
    return load("sbm", num_nodes=90, num_communities=3, log=None)


def config(**run):
    model = {"out_channels": 5, "projection_channels": 4}
    return RunConfig("grace", "sbm", model=model, run=RunSettings(seeds=[4, 7], **run))


def test_each_name_is_what_it_says(graph):
    made = {name: control_embeddings(name, config(), graph, 4) for name in ALL_CONTROLS}
    assert torch.equal(made["raw_features"], graph.x)
    assert torch.equal(made["propagated_features"], propagated_features(graph))
    assert torch.equal(made["diffused_features"], diffused_features(graph))
    assert torch.equal(made["diffused_topics"], diffused_topics(graph))
    assert torch.equal(made["features_by_hop"], features_by_hop(graph))
    assert torch.equal(made["spectral_embedding"], spectral_embedding(graph, seed=4))
    assert made["untrained_encoder"].shape == (90, 5)


def test_topics_have_the_neighbours_of_the_run(graph):
    of_run = config()
    of_run.model["topic_neighbors"] = 4
    expected = diffused_topics(graph, neighbors=4)
    assert torch.equal(control_embeddings("diffused_topics", of_run, graph, 4), expected)
    assert control_embeddings("untrained_encoder", of_run, graph, 4).shape[1] > 5


def test_sparse_features_become_dense(graph):
    sparse = graph.clone()
    sparse.x = graph.x.to_sparse_csr()
    assert torch.equal(control_embeddings("raw_features", config(), sparse, 4), graph.x)


def test_the_untrained_encoder_follows_the_seed_alone(graph):
    first = control_embeddings("untrained_encoder", config(), graph, 4)
    state = torch.get_rng_state()
    again = control_embeddings("untrained_encoder", config(), graph, 4)
    assert torch.equal(first, again) and torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(first, control_embeddings("untrained_encoder", config(), graph, 7))


def test_only_the_encoder_is_made_once_per_seed(graph):
    assert list(evaluation_control("untrained_encoder", config(), graph)) == [4, 7]
    found = evaluation_control("spectral_embedding", config(), graph)
    assert torch.equal(found, spectral_embedding(graph, seed=4))


@pytest.mark.parametrize(
    ("name", "width", "copies"),
    [("raw_features", 1, 2), ("propagated_features", 1, 3), ("features_by_hop", 3, 9)],
)
def test_features_that_do_not_fit_into_memory_are_refused(graph, name, width, copies):
    chosen, f = config(controls=["spectral_embedding", name]), graph.num_features
    needed = copies * 90 * f * 4
    check_controls(chosen, graph, needed)
    sentence = (
        rf"^train: needs about [\d.]+ (kB|MB) for the control {name}, 90 x {width * f} dense; "
        "choose others with --controls, such as spectral_embedding$"
    )
    with pytest.raises(ValueError, match=sentence):
        check_controls(chosen, graph, needed - 1)
    if name == "raw_features":  # Sparse ones are made dense.
        graph.x = graph.x.to_sparse_csr()
        with pytest.raises(ValueError, match=sentence):
            check_controls(chosen, graph, 3 * 90 * f * 4 - 1)
    check_controls(config(controls=["untrained_encoder"]), graph, 0)


def test_scores_on_nodes_stand_at_the_top():
    found = control_section({"classification": {"accuracy": 3}, "clustering": {"nmi": 5}})
    assert found == {"accuracy": 3, "clustering": {"nmi": 5}}
    assert control_section({"clustering": {"nmi": 5}}) == {"clustering": {"nmi": 5}}


def test_refuses_another_name(graph):
    sentence = f"train: 'controls' must be one of {sorted(ALL_CONTROLS)} (got 'raw')"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        control_embeddings("raw", config(), graph, 4)

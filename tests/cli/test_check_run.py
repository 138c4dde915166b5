from dataclasses import replace

import pytest
import torch

from gclkit.cli.check_run import check_run


def test_more_topic_neighbors_than_nodes_are_refused_before_anything_is_written(config, graph):
    chosen = config(tasks=["classification"])
    chosen.model["topic_neighbors"] = 149
    check_run(chosen, graph)
    chosen.model["topic_neighbors"] = 150
    with pytest.raises(ValueError, match=r"^grace: 'topic_neighbors' must be less than the 150 no"):
        check_run(chosen, graph)


def test_only_the_nodes_of_the_splits_need_a_label(config, graph):
    published = graph.clone()
    for part, name in enumerate(("train_mask", "val_mask", "test_mask")):
        published[name] = torch.arange(150) % 4 == part
    published.y[torch.arange(150) % 4 == 3] = -1
    public = config(tasks=["classification"])
    public = replace(public, run=replace(public.run, splits="public"))
    check_run(public, published)
    unknown = r"^train: 'y' must be classes numbered from 0 \(%s\) \(got -1\)$"
    check_run(config(tasks=["classification"]), published)  # Random splits hold the others.
    published.train_mask[3] = True
    random = "random splits, of make_splits or --splits, hold known ones alone"
    with pytest.raises(ValueError, match=unknown % random):
        check_run(public, published)
    tasks = "--tasks classification reads those of its splits alone"
    with pytest.raises(ValueError, match=unknown % tasks):
        check_run(replace(public, run=replace(public.run, tasks=["clustering"])), published)


@pytest.mark.parametrize(
    ("method", "setting", "first"), [("csgcl", "gamma_start", 4), ("progcl", "start_epoch", 3)]
)
def test_says_which_part_of_a_method_stays_off(config, graph, method, setting, first):
    chosen = config(tasks=["clustering"])
    for epochs in (first - 1, first):
        lines = []
        check_run(
            replace(chosen, method=method, model={setting: 3}, training={"epochs": epochs}),
            graph,
            log=lines.append,
        )
        expected = (
            f"{method}: {first - 1} epochs do not reach epoch {first}, where the part of the "
            f"method that '{setting}' delays begins"
        )
        assert lines == ([expected] if epochs < first else [])


@pytest.mark.parametrize(
    ("method", "model", "said"),
    [
        ("grace", {}, True),
        ("csgcl", {}, True),
        ("grace", {"anchors": 32}, False),
        ("progcl", {}, False),
        ("costa", {}, False),
        ("bgrl", {}, False),
    ],
)
def test_many_nodes_on_a_cpu_are_told_of_anchors(method, model, said, config, graph, monkeypatch):
    chosen, lines = replace(config(tasks=["clustering"]), method=method, model=model), []
    long = replace(chosen, training={"epochs": 1000})
    check_run(long, graph, log=lines.append)
    assert not lines
    monkeypatch.setattr("gclkit.cli.check_run.MANY_NODES", 150)
    check_run(long, graph, log=lines.append)
    line = (
        f"{method}: each epoch compares all pairs of 150 nodes, minutes on a CPU; "
        "--anchors 1024 draws so many nodes per step, at a fraction of the work"
    )
    assert lines == [line] * said


def test_training_nodes_of_one_class_are_refused(config, graph):
    rare = graph.clone()
    rare.y = torch.zeros(150, dtype=torch.int64)
    rare.y[7] = 1
    with pytest.raises(ValueError, match=r"^train: 'splits' must be one whose training nodes are"):
        check_run(config(tasks=["classification"], num_splits=10), rare)
    check_run(config(tasks=["clustering"]), rare)


def test_controls_that_do_not_fit_are_refused_before_training(config, graph, monkeypatch):
    monkeypatch.setattr("gclkit.cli.check_run.available_bytes", lambda device: 10_000)
    check_run(config(controls=["untrained_encoder"]), graph)
    with pytest.raises(
        ValueError, match=r"^train: needs about [\d.]+ (kB|MB) for the control raw_"
    ):
        check_run(config(controls=["raw_features"]), graph)


def test_a_training_that_does_not_fit_is_refused(config, graph, monkeypatch):
    chosen, lines = config(tasks=["clustering"]), []
    check_run(chosen, graph, log=lines.append, estimate=True)
    assert len(lines) == 1 and "total" in lines[0]
    monkeypatch.setattr("gclkit.training.memory.available_bytes", lambda device: 10_000)
    with pytest.raises(ValueError, match=r"^GRACE: needs about [\d.]+ (kB|MB) for training on n=1"):
        check_run(chosen, graph)

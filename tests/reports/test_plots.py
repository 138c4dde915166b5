import numpy as np
import pytest

from gclkit.reports.plots import map_plots, score_plots


def names(plots):
    return [name for name, *_ in plots]


def test_plots_what_the_report_holds_and_nothing_else():
    assert score_plots({"results": {}}, {}) == []
    diagnostics = {
        "similarity": {"edges": [-1, 0, 1], "positive": [2, 7], "negative": [6, 3]},
        "spectrum": [3.0, 0.4], "effective_rank": 1.7,
        "accuracy_by": {"community_strength": {
            "labels": ["low", "high"], "values": [None, 0.7], "sizes": [0, 9]}},
    }  # fmt: skip
    report = {
        "results": {"classification": {"confusion": [[5, 2], [1, 4]]}},
        "diagnostics": diagnostics,
    }
    history = {3: [{"epoch": 1, "loss": 2.5}, {"epoch": 2, "loss": 2.1}]}
    plots = score_plots(report, history)
    wanted = ["loss", "confusion", "similarity", "spectrum", "accuracy_by_community_strength"]
    assert names(plots) == wanted
    titles = {name: title for name, title, *_ in plots}
    assert titles["accuracy_by_community_strength"] == "Accuracy by community strength"


def test_maps_by_class_and_community_with_a_sample_of_the_nodes():
    draw = np.random.default_rng(0)
    z, y, community = draw.normal(size=(40, 5)), np.arange(40) % 3, np.arange(40) % 2
    plots = map_plots(z, y, community, ["pca"], 25, 7)
    assert names(plots) == ["map_pca_class", "map_pca_community"]
    assert [caption for *_, caption, _ in plots] == ["25 of 40 nodes"] * 2
    assert [len(legend) for *_, legend in plots] == [3, 2]
    on_page, on_file = plots[0][2]
    assert on_page is not on_file


def test_maps_without_groups_or_embeddings():
    z = np.random.default_rng(1).normal(size=(12, 4))
    (plot,) = map_plots(z, None, None, ["pca"], 50, 0)
    assert plot[0] == "map_pca_node" and plot[3] == "" and plot[4] == []
    assert map_plots(None, None, None, ["pca"], 50, 0) == []


def test_refuses_groups_of_another_length():
    sentence = r"write_report: 'class' must be one number per row of 'z', \(6,\) \(got \(5,\)\)"
    with pytest.raises(ValueError, match=sentence):
        map_plots(np.ones((6, 2)), np.ones(5), None, ["pca"], 9, 0)

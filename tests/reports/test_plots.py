import numpy as np
import pytest

from gclkit.reports.plots import map_plots, score_plots


def names(plots):
    return [plot.name for plot in plots]


def test_plots_what_the_report_holds_and_nothing_else():
    assert score_plots({"results": {}}, {}) == []
    diagnostics = {
        "similarity": {"edges": [-1, 0, 1], "positive": [2, 7], "negative": [6, 3]},
        "spectrum": [3.0, 0.4], "effective_rank": 1.7,
        "accuracy_by": {"community_strength": {
            "labels": ["low", "high"], "values": [None, 0.7], "sizes": [0, 9]}},
    }  # fmt: skip
    report = {
        "results": {
            "classification": {
                "confusion": [[5, 2], [1, 4]],
                "few_labels": {"5": {"mean": 0.7, "std": 0.1}, "1": {"mean": 0.4, "std": None}},
            }
        },
        "diagnostics": diagnostics,
    }
    history = {3: [{"epoch": 1, "loss": 2.5}, {"epoch": 2, "loss": 2.1}]}
    plots = score_plots(report, history)
    inside = ["confusion", "few_labels", "similarity", "spectrum", "accuracy_by_community_strength"]
    assert names(plots) == ["loss", *inside]
    assert plots[-1].title == "Accuracy by community strength"
    assert [plot.section for plot in plots] == ["Training"] + 5 * ["Inside the embeddings"]
    assert all(plot.on_page is plot.on_file and not plot.legend for plot in plots)


def test_maps_by_class_and_community_with_a_sample_of_the_nodes():
    draw = np.random.default_rng(0)
    z, y, community = draw.normal(size=(40, 5)), np.arange(40) % 3, np.arange(40) % 2
    plots = map_plots(z, y, community, ["pca"], 25, 7)
    assert names(plots) == ["map_pca_class", "map_pca_community"]
    assert [plot.caption for plot in plots] == ["25 of 40 nodes"] * 2
    assert [len(plot.legend) for plot in plots] == [3, 2]
    assert {plot.section for plot in plots} == {"Maps of the embeddings"}
    titles = [figure.axes[0].get_title() for figure in (plots[0].on_page, plots[0].on_file)]
    assert titles == ["", "PCA by class"]
    assert [len(figure.legends) for figure in (plots[0].on_page, plots[0].on_file)] == [0, 1]


def test_maps_without_groups_or_embeddings():
    z = np.random.default_rng(1).normal(size=(12, 4))
    (plot,) = map_plots(z, None, None, ["pca"], 50, 0)
    assert (plot.name, plot.caption, list(plot.legend)) == ("map_pca_node", "", [])
    assert map_plots(None, None, None, ["pca"], 50, 0) == []


def test_refuses_groups_of_another_length():
    sentence = r"write_report: 'class' must be one number per row of 'z', \(6,\) \(got \(5,\)\)"
    with pytest.raises(ValueError, match=sentence):
        map_plots(np.ones((6, 2)), np.ones(5), None, ["pca"], 9, 0)

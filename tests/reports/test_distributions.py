import itertools

import numpy as np
import pytest

from gclkit.reports.distributions import (
    plot_confusion,
    plot_few_labels,
    plot_groups,
    plot_histograms,
    plot_spectrum,
)


def test_histograms_are_densities():
    figure = plot_histograms([0, 0.5, 2], {"a": [1, 3], "b": [0, 0]}, xlabel="x")
    heights = figure.axes[0].patches[0].get_data().values
    assert (heights * [0.5, 1.5]).sum() == pytest.approx(1.0)
    with pytest.raises(ValueError) as error:
        plot_histograms([0, 1], {"a": [1, 2]}, xlabel="x")
    assert str(error.value) == "plot_histograms: 'a' must be 1 counts, one per bin (got 2)"


def test_labels_of_cosines_keep_apart():
    figure = plot_histograms([-1, -0.5, 1], {"a": [1, 3]}, xlabel="x")
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
    for left, right in itertools.pairwise(boxes):
        assert right.x0 - left.x1 > left.width / 2


def test_spectra_with_zeros_are_drawn():
    for values in ([3.0, 1.0, 0.0], [0.0, 0.0], [1.0]):
        assert plot_spectrum(values, effective_rank=1.5).axes


def test_groups_without_a_value_have_no_bar():
    figure = plot_groups(["1", "2"], [0.5, float("nan")], [10, 0], xlabel="degree")
    assert [bar.get_height() for bar in figure.axes[0].patches] == [50.0, 0.0]


@pytest.mark.parametrize("classes", [2, 12, 40])
def test_confusion_of_any_number_of_classes(classes):
    matrix = np.eye(classes) * 7
    matrix[0] = 0  # A class without test nodes.
    figure = plot_confusion(matrix)
    assert len(figure.axes[0].get_xticks()) == (classes if classes <= 20 else 8)


def test_few_labels_are_in_order():
    summary = {"mean": 0.5, "std": None}
    figure = plot_few_labels({"20": {"mean": 0.8, "std": 0.1}, "1": summary})
    assert figure.axes[0].lines[0].get_xdata().tolist() == [1, 20]

import math

import pytest

from gclkit.reports.curves import plot_curve, plot_path, series

ROWS = [{"epoch": 1, "loss": 3.0}, {"epoch": 2, "loss": 2.5, "val_accuracy": 0.5}, {"epoch": 3}]


def test_series_takes_the_epochs_that_have_a_number():
    epochs, values = series([*ROWS, {"epoch": 4, "loss": None}], "loss")
    assert epochs.tolist() == [1, 2] and values.tolist() == [3, 2.5]


def test_one_line_per_seed_and_none_without_values():
    figure = plot_curve({0: ROWS, 1: ROWS[:2], 2: ROWS[2:]}, "loss", "loss")
    assert [line.get_label() for line in figure.axes[0].lines] == ["seed 0", "seed 1"]
    assert plot_curve({0: ROWS}, "lr", "lr") is None and plot_curve({}, "loss", "loss") is None


def test_a_loss_that_is_not_finite_ends_its_line():
    rows = [{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": math.nan}]
    assert math.isnan(plot_curve({0: rows}, "loss", "loss").axes[0].lines[0].get_ydata()[1])


def test_the_path_needs_two_points():
    point = {"epoch": 1, "alignment": 0.5, "uniformity": -1.0}
    assert plot_path({0: [point]}) is None
    figure = plot_path({0: [point, {**point, "epoch": 9, "uniformity": -2.0}]})
    assert figure.axes[0].lines[0].get_ydata().tolist() == [-1.0, -2.0]


@pytest.mark.parametrize("seeds", [2, 5, 10])
def test_the_legend_stays_inside(seeds):
    history = {s: [{"epoch": e, "loss": 1 / e} for e in range(1, 9)] for s in range(seeds)}
    figure = plot_curve(history, "loss", "loss")
    figure.canvas.draw()
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.width

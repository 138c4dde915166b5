"""The plots of a report, made of its numbers, its history and the embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gclkit.checks import reject
from gclkit.reports.curves import History, plot_curve, plot_path
from gclkit.reports.distributions import (
    plot_confusion,
    plot_few_labels,
    plot_groups,
    plot_histograms,
    plot_spectrum,
)
from gclkit.reports.maps import PROJECTIONS, legend_entries, plot_map, project, sample_nodes

# Name of the file, title, figure for the page and for the file, caption, legend of the page.
Plot = tuple[str, str, tuple[Figure, Figure], str, list[tuple[str, str]]]


def score_plots(report: Mapping[str, Any], history: History) -> list[Plot]:
    """Curves of the training and what the scores and diagnostics of a report show."""
    plots: list[tuple[str, str, Figure | None, str]] = [
        ("loss", "Loss", plot_curve(history, "loss", "loss"), "per epoch, one line per seed"),
        (
            "val_accuracy",
            "Probe accuracy while training",
            plot_curve(history, "val_accuracy", "accuracy on validation nodes"),
            "linear probe on the embeddings of that epoch, validation nodes only",
        ),
        ("accuracy", "Accuracy while training", plot_curve(history, "accuracy", "accuracy"), ""),
        ("grad_norm", "Gradient norm", plot_curve(history, "grad_norm", "gradient norm"), ""),
        ("lr", "Learning rate", plot_curve(history, "lr", "learning rate"), ""),
        (
            "alignment_uniformity",
            "Alignment and uniformity",
            plot_path(history),
            "from the first to the last epoch, which has the large mark",
        ),
    ]
    confusion = report["results"].get("classification", {}).get("confusion")
    if confusion:
        caption = "test nodes of all seeds and splits"
        plots.append(("confusion", "Confusion matrix", plot_confusion(confusion), caption))
    shots = report["results"].get("classification", {}).get("few_labels")
    if shots:
        caption = "mean and standard deviation over seeds and splits"
        plots.append(("few_labels", "Accuracy with few labels", plot_few_labels(shots), caption))
    diagnostics = report.get("diagnostics") or {}
    similarity = diagnostics.get("similarity")
    if similarity:
        counts = {key: value for key, value in similarity.items() if key != "edges"}
        figure = plot_histograms(similarity["edges"], counts, xlabel="cosine similarity")
        caption = "pairs of neighbors or of one class (positive) against the other pairs"
        plots.append(("similarity", "Similarities", figure, caption))
    if diagnostics.get("spectrum"):
        figure = plot_spectrum(diagnostics["spectrum"], diagnostics.get("effective_rank"))
        caption = "eigenvalues of the covariance of the embeddings"
        plots.append(("spectrum", "Spectrum", figure, caption))
    for key, groups in (diagnostics.get("accuracy_by") or {}).items():
        name = key.replace("_", " ")
        values = [np.nan if value is None else value for value in groups["values"]]
        figure = plot_groups(groups["labels"], values, groups["sizes"], xlabel=name)
        caption = "test nodes; their number stands in the bar"
        plots.append((f"accuracy_by_{key}", f"Accuracy by {name}", figure, caption))
    return [
        (name, title, (figure, figure), caption, [])
        for name, title, figure, caption in plots
        if figure is not None
    ]


def map_plots(
    z: np.ndarray | None,
    y: np.ndarray | None,
    community: np.ndarray | None,
    projections: Sequence[str],
    map_nodes: int,
    seed: int,
) -> list[Plot]:
    """Maps of the embeddings of one seed, colored by class and by community."""
    if z is None:
        return []
    z = np.asarray(z)
    given = {"class": y, "community": community}
    groups = {name: np.asarray(value) for name, value in given.items() if value is not None}
    for name, value in groups.items():
        if value.shape != (len(z),):
            reject("write_report", name, f"one number per row of 'z', ({len(z)},)", value.shape)
    groups = groups or {"node": np.zeros(len(z), dtype=int)}
    nodes = sample_nodes(len(z), map_nodes, seed)
    caption = f"{len(nodes):,} of {len(z):,} nodes" if len(nodes) < len(z) else ""
    plots: list[Plot] = []
    for method in projections:
        points = project(z[nodes], method, seed=seed)
        for name, value in groups.items():
            title = f"{PROJECTIONS[method]} by {name}"
            pair = tuple(
                plot_map(points, value[nodes], title=title * on_file, legend=on_file)
                for on_file in (False, True)
            )
            legend = [(label, color) for _, label, color in legend_entries(value[nodes])]
            legend = legend if name != "node" else []
            plots.append((f"map_{method}_{name}", title, pair, caption, legend))  # type: ignore[arg-type]
    return plots

"""The plots of a report, made of its numbers, its history and the embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

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

SECTIONS = ("Training", "Maps of the embeddings", "Inside the embeddings")
TRAINING, MAPS, INSIDE = SECTIONS


class Plot(NamedTuple):
    """A plot of a report, as it stands on the page and in a file of its own."""

    name: str
    section: str  # One of SECTIONS.
    title: str
    on_page: Figure
    on_file: Figure
    caption: str = ""
    legend: Sequence[tuple[str, str]] = ()  # Label and color of each entry; the page shows it.


def score_plots(report: Mapping[str, Any], history: History) -> list[Plot]:
    """Curves of the training and what the scores and diagnostics of a report show."""
    curves = (
        ("loss", "Loss", plot_curve(history, "loss", "loss"), "per epoch, one line per seed"),
        (
            "val_accuracy",
            "Probe accuracy while training",
            plot_curve(history, "val_accuracy", "accuracy on validation nodes"),
            "linear probe on the embeddings of that epoch, validation nodes only",
        ),
        ("grad_norm", "Gradient norm", plot_curve(history, "grad_norm", "gradient norm"), ""),
        (
            "alignment_uniformity",
            "Alignment and uniformity",
            plot_path(history),
            "from the first to the last epoch, which has the large mark",
        ),
    )
    plots = [
        Plot(name, TRAINING, title, figure, figure, caption)
        for name, title, figure, caption in curves
        if figure is not None
    ]

    def inside(name: str, title: str, figure: Figure, caption: str) -> None:
        plots.append(Plot(name, INSIDE, title, figure, figure, caption))

    confusion = report["results"].get("classification", {}).get("confusion")
    if confusion:
        caption = "test nodes of all seeds and splits"
        inside("confusion", "Confusion matrix", plot_confusion(confusion), caption)
    shots = report["results"].get("classification", {}).get("few_labels")
    if shots:
        caption = "mean and standard deviation over seeds and splits"
        inside("few_labels", "Accuracy with few labels", plot_few_labels(shots), caption)
    diagnostics = report.get("diagnostics") or {}
    similarity = diagnostics.get("similarity")
    if similarity:
        counts = {key: value for key, value in similarity.items() if key != "edges"}
        figure = plot_histograms(similarity["edges"], counts, xlabel="cosine similarity")
        caption = "pairs of neighbors or of one class (positive) against the other pairs"
        inside("similarity", "Similarities", figure, caption)
    if diagnostics.get("spectrum"):
        figure = plot_spectrum(diagnostics["spectrum"], diagnostics.get("effective_rank"))
        caption = "eigenvalues of the covariance of the embeddings"
        inside("spectrum", "Spectrum", figure, caption)
    for key, groups in (diagnostics.get("accuracy_by") or {}).items():
        name = key.replace("_", " ")
        values = [np.nan if value is None else value for value in groups["values"]]
        figure = plot_groups(groups["labels"], values, groups["sizes"], xlabel=name)
        caption = "test nodes; their number stands in the bar"
        inside(f"accuracy_by_{key}", f"Accuracy by {name}", figure, caption)
    return plots


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
            # The page writes title and legend itself, beside the figure.
            on_page = plot_map(points, value[nodes], title="", legend=False)
            on_file = plot_map(points, value[nodes], title=title, legend=True)
            entries = legend_entries(value[nodes]) if name != "node" else []
            legend = [(label, color) for _, label, color in entries]
            plot = Plot(f"map_{method}_{name}", MAPS, title, on_page, on_file, caption, legend)
            plots.append(plot)
    return plots

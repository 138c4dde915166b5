"""Two-dimensional maps of embeddings, colored by class or community."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
from matplotlib.figure import Figure

from gclkit.checks import check_choice, check_count, reject
from gclkit.reports.figures import new_figure, styled
from gclkit.reports.palette import LINE, MUTED, colors

PROJECTIONS = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}


def available_projections() -> tuple[str, ...]:
    """``pca`` and ``tsne``, and ``umap`` where umap-learn is installed."""
    return ("pca", "tsne", "umap") if find_spec("umap") else ("pca", "tsne")


def sample_nodes(num_nodes: int, at_most: int, seed: int = 0) -> np.ndarray:
    """Indices of ``at_most`` nodes drawn without replacement, ascending; all if there are fewer."""
    check_count("sample_nodes", "at_most", at_most, at_least=2)
    if num_nodes <= at_most:
        return np.arange(num_nodes)
    return np.sort(np.random.default_rng(seed).choice(num_nodes, at_most, replace=False))


def project(z: np.ndarray, method: str = "pca", *, seed: int = 0) -> np.ndarray:
    """Maps embeddings [n, d] to the plane [n, 2].

    Args:
        z: Embeddings of two nodes or more, finite.
        method: ``"pca"``, ``"tsne"``, or ``"umap"`` (needs umap-learn).
        seed: Of the methods that draw.

    Raises:
        ValueError: If the method is unknown or ``z`` is not a matrix of finite numbers.
        ImportError: If umap-learn is asked for and not installed.
    """
    check_choice("project", "method", method, PROJECTIONS)
    z = np.asarray(z, dtype=np.float32)
    if z.ndim != 2 or len(z) < 2 or not np.isfinite(z).all():
        reject("project", "z", "a finite matrix of two rows or more", z.shape)
    centered = z - z.mean(axis=0)
    _, scale, axes = np.linalg.svd(centered, full_matrices=False)
    # At most 50 principal axes feed the neighbor methods, as t-SNE's authors advise.
    principal = np.zeros((len(z), max(2, min(50, z.shape[1]))), dtype=np.float32)
    kept = min(principal.shape[1], len(axes))
    principal[:, :kept] = centered @ axes[:kept].T
    if method == "pca" or len(z) < 5 or scale[0] == 0:
        return principal[:, :2]
    if method == "umap":
        try:
            from umap import UMAP
        except ImportError as error:
            raise ImportError("project: 'umap' needs the package umap-learn") from error
        return UMAP(random_state=seed, n_jobs=1).fit_transform(principal)
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(z) - 1) / 3)
    start = principal[:, :2] / (np.std(principal[:, 0]) or 1.0) * 1e-4
    return TSNE(perplexity=perplexity, init=start, random_state=seed).fit_transform(principal)


def plot_map(points: np.ndarray, groups: np.ndarray, *, title: str, legend: bool) -> Figure:
    """Scatters the points of a map, one color per group.

    Args:
        points: [n, 2].
        groups: Group of each point [n], small integers; beyond 39 groups the smallest share gray,
            and negative ones, which are unknown, another.
        title: Above the map.
        legend: Whether the figure names the groups itself; a page does it beside the figure.
    """
    shown = legend_entries(groups)
    with styled():
        rows = 0 if not legend else -(-len(shown) // 8)
        figure, axes = new_figure(4.8, 4.0 + 0.22 * rows)
        order = np.random.default_rng(0).permutation(len(points))  # No group hides another.
        tint = {group: color for group, _, color in shown if group is not None}
        size = float(np.clip(14000 / max(len(points), 1), 2.5, 26))
        axes.scatter(
            points[order, 0],
            points[order, 1],
            c=[tint.get(max(int(group), -1), MUTED) for group in groups[order]],
            s=size, linewidths=0, alpha=0.85, rasterized=True,
        )  # fmt: skip
        axes.set(title=title, xticks=[], yticks=[])
        axes.set_frame_on(False)
        axes.grid(False)
        if legend:
            for _, label, color in shown:
                axes.scatter([], [], c=color, s=24, label=label)
            figure.legend(loc="outside lower center", ncols=8, fontsize=8, handletextpad=0.1)
    return figure


def legend_entries(groups: np.ndarray) -> list[tuple[int | None, str, str]]:
    """Group, label and color of each of at most 40 groups; of more the smallest are one in gray.

    A negative group marks the group as unknown, the last entry, in a gray of its own.
    """
    names, counts = np.unique(groups[groups >= 0], return_counts=True)
    rest: list[tuple[int | None, str, str]] = []
    if len(names) > 40:
        rest = [(None, f"{len(names) - 39} others", MUTED)]
        names = names[np.argsort(-counts, kind="stable")[:39]]
    if (groups < 0).any():
        rest.append((-1, "unknown", LINE))
    shades = zip(names.tolist(), colors(len(names)), strict=True)
    return [*((int(group), str(int(group)), color) for group, color in shades), *rest]

from importlib.util import find_spec

import numpy as np
import pytest
from matplotlib.colors import to_hex

from gclkit.reports import available_projections, project
from gclkit.reports.maps import legend_entries, plot_map, sample_nodes
from gclkit.reports.palette import LINE, colors


def test_pca_is_the_plane_of_most_variance():
    draw = np.random.default_rng(0)
    z = draw.normal(size=(60, 5)) * [5, 0.1, 3, 0.2, 0.1]
    points = project(z)
    centered = z - z.mean(axis=0)
    assert points.shape == (60, 2)
    assert np.allclose(abs(np.corrcoef(points[:, 0], centered[:, 0])[0, 1]), 1, atol=0.01)
    values = np.linalg.eigvalsh(centered.T @ centered)[::-1]
    assert np.allclose((points**2).sum(axis=0), values[:2], rtol=1e-4)


def test_tsne_keeps_groups_apart_and_repeats():
    draw = np.random.default_rng(1)
    group = np.arange(60) % 2
    z = draw.normal(size=(60, 4)) + 8 * group[:, None]
    points = project(z, "tsne", seed=3)
    assert np.array_equal(points, project(z, "tsne", seed=3))
    gap = np.linalg.norm(points[group == 0].mean(axis=0) - points[group == 1].mean(axis=0))
    assert gap > points[group == 0].std()


def test_tsne_starts_from_a_small_plane_of_most_variance(monkeypatch):
    class Start:
        def __init__(self, *, init, **options):
            self.init = init

        def fit_transform(self, rows):
            return self.init

    monkeypatch.setattr("sklearn.manifold.TSNE", Start)
    z = np.random.default_rng(2).normal(size=(30, 4)) * [7, 3, 1, 1]
    start = project(z, "tsne")
    assert np.isclose(start[:, 0].std(), 1e-4)
    assert np.allclose(start * project(z)[:, 0].std(), 1e-4 * project(z), atol=1e-9)


def test_small_and_collapsed_embeddings_have_a_map():
    for z in (np.eye(2), np.ones((9, 3)), np.arange(4.0)[:, None], np.ones((30, 1))):
        for method in ("pca", "tsne"):
            points = project(z, method)
            assert points.shape == (len(z), 2) and np.isfinite(points).all()


@pytest.mark.skipif(find_spec("umap") is None, reason="umap-learn is not installed")
def test_umap():
    assert project(np.random.default_rng(0).normal(size=(40, 6)), "umap").shape == (40, 2)


@pytest.mark.skipif(find_spec("umap") is not None, reason="umap-learn is installed")
def test_a_missing_umap_is_named():
    assert available_projections() == ("pca", "tsne")
    with pytest.raises(ImportError, match="project: 'umap' needs the package umap-learn"):
        project(np.eye(9), "umap")


def test_refusals():
    with pytest.raises(ValueError) as error:
        project(np.full((3, 2), np.nan))
    assert str(error.value) == (
        "project: 'z' must be a finite matrix of two rows or more (got (3, 2))"
    )
    with pytest.raises(ValueError) as error:
        project(np.eye(3), "mds")
    assert str(error.value) == (
        "project: 'method' must be one of ['pca', 'tsne', 'umap'] (got 'mds')"
    )


def test_large_graphs_are_sampled_without_repetition():
    nodes = sample_nodes(1000, 50, seed=2)
    assert len(set(nodes)) == 50 and (np.diff(nodes) > 0).all()
    assert np.array_equal(sample_nodes(10, 50), np.arange(10))


def test_forty_groups_have_forty_colors_and_more_share_gray():
    assert len(set(colors(40))) == 40
    entries = legend_entries(np.arange(40))
    assert len({color for *_, color in entries}) == 40
    many = legend_entries(np.repeat(np.arange(100), np.arange(1, 101)))
    assert len(many) == 40 and many[-1][1] == "61 others" and many[0][1] == "99"
    figure = plot_map(np.random.rand(100, 2), np.arange(100), title="a", legend=True)
    assert figure.axes


def test_unknown_groups_are_one_last_gray_entry():
    groups = np.array([1, -1, 0, -7, 1])
    known = legend_entries(np.array([1, 0, 1]))
    assert legend_entries(groups)[:-1] == known
    assert legend_entries(groups)[-1] == (-1, "unknown", LINE)
    many = legend_entries(np.append(np.arange(100), -1))
    assert [label for _, label, _ in many[-2:]] == ["61 others", "unknown"]
    assert legend_entries(np.array([-1, -1])) == [(-1, "unknown", LINE)]
    figure = plot_map(np.random.rand(5, 2), groups, title="a", legend=True)
    points = figure.axes[0].collections[0]
    drawn = np.random.default_rng(0).permutation(5)
    gray = [to_hex(color) == LINE for color in points.get_facecolor()]
    assert gray == [bool(groups[i] < 0) for i in drawn]
    assert figure.legends[0].get_texts()[-1].get_text() == "unknown"

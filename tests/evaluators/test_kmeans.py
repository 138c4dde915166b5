import importlib

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from gclkit.evaluators import kmeans
from gclkit.evaluators.kmeans import sample_size


def make_blobs(n=400, d=6, k=5, noise=0.5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    centers = 2 * torch.randn(k, d, generator=generator)
    return centers[torch.arange(n) % k] + noise * torch.randn(n, d, generator=generator)


@pytest.mark.parametrize("noise", [0.4, 1.5])
def test_is_as_good_as_scikit_learn(noise):
    for seed in range(3):
        x = make_blobs(noise=noise, seed=seed)
        rival = KMeans(5, n_init=10, random_state=seed).fit(x.numpy())
        fit = kmeans(x, 5, seed=seed)
        assert fit.inertia <= rival.inertia_ * 1.01


@pytest.fixture
def small_sample(monkeypatch):
    """Starts run on 100 points first, as on 32,768 without it."""
    module = importlib.import_module("gclkit.evaluators.kmeans")
    monkeypatch.setattr(module, "_SAMPLE", 100)
    monkeypatch.setattr(module, "_PER_CLUSTER", 10)
    return module


@pytest.mark.parametrize("noise", [0.4, 1.5])
def test_starts_that_ran_on_a_sample_are_as_good(noise, small_sample):
    for seed in range(3):
        x = make_blobs(noise=noise, seed=seed)
        rival = KMeans(5, n_init=10, random_state=seed).fit(x.numpy())
        fit = kmeans(x, 5, seed=seed)
        assert fit.inertia <= rival.inertia_ * 1.01
        nearest = torch.cdist(x.double(), fit.centers.double()).square().min(dim=1).values
        assert fit.inertia == pytest.approx(float(nearest.sum()), rel=1e-5)


def test_three_starts_alone_run_on_all_points(small_sample, monkeypatch):
    seen, nearest = [], small_sample._nearest

    def record(x, norms, centers):
        seen.append((len(x), len(centers)))
        return nearest(x, norms, centers)

    monkeypatch.setattr(small_sample, "_nearest", record)
    x = make_blobs()
    kmeans(x, 5, restarts=6)
    assert seen[0] == (100 + 6 * 5, 6)  # With the first centers of all starts.
    whole = [starts for points, starts in seen if points == len(x)]
    assert whole[0] == 6 and max(whole[1:]) == 3  # A pass for the order, then the best.


def test_the_size_of_the_sample():
    sizes = [sample_size(n, k) for n, k in ((18_333, 15), (200_000, 10), (200_000, 500))]
    assert sizes == [18_333, 32_768, 128_000]


def test_few_far_points_are_clusters_though_a_sample_misses_them(small_sample):
    x = 0.1 * make_blobs(n=4000, k=1)
    x[:5] += 100 * torch.eye(5, 6)
    labels = kmeans(x, 6).labels
    assert len(labels[:5].unique()) == 5 and (labels == labels[5]).sum() == 3995


def test_labels_centers_and_inertia_describe_one_solution():
    x = make_blobs(noise=1.2)
    fit = kmeans(x, 7, restarts=3)
    distances = torch.cdist(x.double(), fit.centers.double()).square()
    nearest = distances.min(dim=1)
    assert fit.inertia == pytest.approx(float(nearest.values.sum()), rel=1e-5)
    chosen = distances.gather(1, fit.labels[:, None])[:, 0]
    assert torch.allclose(chosen, nearest.values, rtol=1e-4)


def test_a_far_origin_costs_no_digits():
    x = make_blobs(noise=0.3)
    assert kmeans(x + 3000, 5).inertia == pytest.approx(kmeans(x, 5).inertia, rel=1e-2)


@given(n=st.integers(2, 12), k=st.integers(1, 12), seed=st.integers(0, 99), ties=st.booleans())
@settings(deadline=None, max_examples=60)
def test_no_cluster_stays_empty_while_points_differ(n, k, seed, ties):
    x = torch.randn(n, 2, generator=torch.Generator().manual_seed(seed))
    x = x.round() if ties else x
    if k > n:
        with pytest.raises(ValueError):
            kmeans(x, k)
        return
    fit = kmeans(x, k, restarts=2, seed=seed)
    assert len(fit.labels) == n and fit.centers.isfinite().all()
    assert len(fit.labels.unique()) == min(k, len(x.unique(dim=0)))


def test_is_the_same_twice_and_leaves_the_global_state():
    x = make_blobs()
    before = torch.random.get_rng_state()
    one, two = kmeans(x, 5, seed=4), kmeans(x, 5, seed=4)
    assert torch.equal(one.labels, two.labels) and one.inertia == two.inertia
    assert torch.equal(before, torch.random.get_rng_state())


def test_too_many_clusters_are_refused():
    with pytest.raises(ValueError) as error:
        kmeans(torch.eye(3), 4)
    assert str(error.value) == (
        "kmeans: 'num_clusters' must be at most 3, the number of points (got 4)"
    )

import itertools
import math

import pytest
import torch
import torch.nn.functional as F

from gclkit.evaluators import (
    alignment,
    anisotropy,
    hardness,
    neighbor_alignment,
    pair_diagnostics,
    similarity_histograms,
    tolerance,
    uniformity,
)
from gclkit.testing.measure import LargestTensor


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(pair_diagnostics, "_BLOCK", 7)
    monkeypatch.setattr(pair_diagnostics, "_EDGES", 10)


def make(n=23, d=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    z = 3 * torch.randn(n, d, generator=generator, dtype=torch.float64) + 0.4
    return z, torch.arange(n) % 4


def pairs(z):
    u = F.normalize(z, dim=1)
    return [(i, j, float(u[i] @ u[j])) for i, j in itertools.permutations(range(len(z)), 2)]


def test_by_loops_from_the_definitions():
    z, y = make()
    cosines = pairs(z)
    mean = lambda values: sum(values) / len(values)
    assert anisotropy(z) == pytest.approx(mean([c for *_, c in cosines]))
    squared = [2 - 2 * c for *_, c in cosines]
    assert uniformity(z, t=3.0) == pytest.approx(
        math.log(mean([math.exp(-3 * s) for s in squared]))
    )
    same = [c for i, j, c in cosines if y[i] == y[j]]
    assert tolerance(z, y) == pytest.approx(sum(same) / len(cosines))
    assert tolerance(z, y, conditional=True) == pytest.approx(mean(same))
    share = len(same) / len(cosines)
    assert tolerance(z, y) == pytest.approx(tolerance(z, y, conditional=True) * share)


def test_alignment_is_the_mean_distance_of_directions():
    z, _ = make()
    other, _ = make(seed=1)
    distance = (F.normalize(z, dim=1) - F.normalize(other, dim=1)).norm(dim=1)
    assert alignment(z, other, alpha=3.0) == pytest.approx(float(distance.pow(3).mean()))
    assert alignment(z, 5 * z) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("alpha", [2.0, 3.0])
def test_the_alignment_of_neighbors_is_that_of_the_ends_of_edges(alpha):
    z, _ = make()
    edge_index = torch.stack([torch.arange(34) * 5 % 23, torch.arange(34) * 11 % 23])
    expected = alignment(z[edge_index[0]], z[edge_index[1]], alpha=alpha)
    assert neighbor_alignment(z, edge_index, alpha=alpha) == pytest.approx(expected)
    with LargestTensor() as largest:
        neighbor_alignment(z, edge_index, alpha=alpha)
    assert largest.numel == 23 * 5
    for edges, rule in (
        (edge_index[:, :0], r"'edge_index' must be one edge or more"),
        (edge_index + 1, r"'edge_index' must be node indices from 0 to 22"),
    ):
        with pytest.raises(ValueError, match=f"^neighbor_alignment: {rule}"):
            neighbor_alignment(z, edges)


def test_hardness_is_the_softmax_over_the_others():
    z, _ = make()
    u = F.normalize(z, dim=1)
    rows = []
    for i in range(len(z)):
        others = torch.tensor([j for j in range(len(z)) if j != i])
        r = torch.softmax(u[others] @ u[i] / 0.3, dim=0)
        entropy = float(-(r * r.log()).sum())
        rows.append(
            [entropy, math.exp(entropy), float(r.max()), float((r * (u[others] @ u[i])).sum())]
        )
    expected = torch.tensor(rows).mean(dim=0).tolist()
    found = hardness(z, temperature=0.3)
    assert [found.entropy, found.effective_negatives, found.hardest, found.negative_similarity] == (
        pytest.approx(expected, rel=1e-5)
    )


def test_limits_of_the_temperature():
    z, _ = make()
    assert hardness(z, temperature=1e6).effective_negatives == pytest.approx(22, rel=1e-4)
    cold = hardness(z, temperature=1e-4)
    assert cold.hardest == pytest.approx(1.0) and cold.entropy == pytest.approx(0.0, abs=1e-6)


def test_equal_embeddings():
    z, y = torch.full((10, 3), 0.7), torch.arange(10) % 2
    assert uniformity(z) == pytest.approx(0.0, abs=1e-5)
    assert tolerance(z, y, conditional=True) == pytest.approx(1.0)
    assert anisotropy(z) == pytest.approx(1.0)
    assert hardness(z).effective_negatives == pytest.approx(9.0, rel=1e-5)


@pytest.mark.parametrize("scale", [1e-20, 1e-40])
def test_short_rows_have_a_direction(scale):
    z = make()[0].float()
    z[3:8] *= scale
    longer = torch.cat([z[:3], z[3:8] / z[3:8].abs().amax(dim=1, keepdim=True), z[8:]])
    assert uniformity(z) == pytest.approx(uniformity(longer), abs=1e-6)
    assert anisotropy(z) == pytest.approx(anisotropy(longer), abs=1e-6)


def test_rows_of_zeros_are_equal_and_not_even():
    z, y = torch.zeros(10, 3), torch.arange(10) % 2
    assert uniformity(z) == pytest.approx(0.0, abs=1e-6) and anisotropy(z) == 1
    assert tolerance(z, y, conditional=True) == 1 and alignment(z, z) == 0
    assert alignment(z, torch.ones(10, 3)) == pytest.approx(2.0), "orthogonal to all others"
    z[:5] = torch.eye(3)[0]
    edge_index = torch.tensor([[0, 0, 5], [1, 5, 6]])
    assert neighbor_alignment(z, edge_index) == pytest.approx(2 / 3)
    both = torch.eye(2)[torch.arange(10) // 5]
    assert uniformity(z) == uniformity(both) and hardness(z) == hardness(both)
    assert similarity_histograms(z, y) == similarity_histograms(both, y)


def test_classes_of_one_node_have_no_conditional_tolerance():
    z, _ = make(n=5)
    assert math.isnan(tolerance(z, torch.arange(5), conditional=True))
    assert tolerance(z, torch.arange(5)) == 0.0


def test_histograms_count_each_pair_once():
    z, y = make()
    found = similarity_histograms(z, y, bins=20)
    expected = {"positive": [0] * 20, "negative": [0] * 20}
    for i, j, cosine in pairs(z):
        if i < j:
            name = "positive" if y[i] == y[j] else "negative"
            expected[name][min(19, int((cosine + 1) * 10))] += 1
    assert found["positive"] == expected["positive"]
    assert found["negative"] == expected["negative"]
    assert found["edges"][0] == -1 and found["edges"][-1] == 1 and len(found["edges"]) == 21


def test_none_gives_gradients_or_takes_nan():
    z, y = make()
    z.requires_grad_()
    for value in (uniformity(z), anisotropy(z), tolerance(z, y), hardness(z).entropy):
        assert isinstance(value, float)
    with pytest.raises(ValueError) as error:
        uniformity(torch.full((4, 2), torch.nan))
    assert str(error.value) == (
        "uniformity: 'z' must be finite (got '8 of 8 entries NaN or infinite')"
    )

import itertools
import math

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from gclkit.evaluators import partition_scores as scores

labels_of = st.integers(2, 25).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 4), min_size=n, max_size=n),
        st.lists(st.integers(0, 6), min_size=n, max_size=n),
    )
)


@given(labels_of)
@settings(deadline=None, max_examples=150)
def test_agree_with_scikit_learn_on_any_partitions(pair):
    y, labels = (torch.tensor(values) for values in pair)
    assert scores.nmi(y, labels) == pytest.approx(
        metrics.normalized_mutual_info_score(y, labels), abs=1e-9
    )
    assert scores.ari(y, labels) == pytest.approx(metrics.adjusted_rand_score(y, labels), abs=1e-9)
    assert scores.homogeneity(y, labels) == pytest.approx(
        metrics.homogeneity_score(y, labels), abs=1e-9
    )


@given(labels_of)
@settings(deadline=None, max_examples=60)
def test_matching_is_the_best_of_all(pair):
    y, labels = (torch.tensor(values) % 4 for values in pair)
    classes, clusters = y.unique().tolist(), labels.unique().tolist()
    names = [*classes, *(-1 - i for i in range(len(clusters)))]
    best = 0.0
    for named in itertools.permutations(names, len(clusters)):
        to = dict(zip(clusters, named, strict=True))
        best = max(
            best, np.mean([to[c] == t for c, t in zip(labels.tolist(), y.tolist(), strict=True)])
        )
    accuracy, macro_f1 = scores.matched_scores(y, labels)
    assert accuracy == pytest.approx(best)
    named = scores.match_clusters(y, labels)
    expected = metrics.f1_score(y, named, average="macro", labels=classes, zero_division=0)
    assert macro_f1 == pytest.approx(expected)


def test_silhouette_is_that_of_scikit_learn():
    z = torch.randn(120, 5, generator=torch.Generator().manual_seed(0))
    labels = (z[:, 0] > 0).long() + 2 * (z[:, 1] > 0.3).long()
    labels[0] = 9  # Alone in its cluster.
    assert scores.silhouette(z, labels) == pytest.approx(
        metrics.silhouette_score(z.numpy(), labels.numpy()), abs=1e-5
    )
    assert math.isnan(scores.silhouette(z, torch.zeros(120, dtype=torch.long)))
    assert abs(scores.silhouette(z, labels, at_most=100) - scores.silhouette(z, labels)) < 0.1


def test_several_silhouettes_take_one_pass_over_the_distances(monkeypatch):
    z = torch.randn(120, 5, generator=torch.Generator().manual_seed(0))
    partitions = [(z[:, 0] > 0).long(), torch.zeros(120, dtype=torch.long), torch.arange(120) % 7]
    expected = [scores.silhouette(z, labels, at_most=100) for labels in partitions]
    calls, cdist = [], torch.cdist
    monkeypatch.setattr(torch, "cdist", lambda *pair: calls.append(pair) or cdist(*pair))
    found = scores.silhouettes(z, partitions, at_most=100)
    assert len(calls) == 1 and math.isnan(found[1])
    assert found == pytest.approx(expected, abs=0, nan_ok=True)


def test_the_silhouette_of_equal_rows_is_one():
    z = torch.randn(40, 8, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(40).repeat_interleave(25)
    assert scores.silhouette(z[labels], labels) == pytest.approx(1.0, abs=1e-7)


def test_directions_do_not_matter():
    edge_index, labels = (
        torch.tensor([[0, 1, 2, 3, 4, 0], [1, 2, 0, 4, 5, 5]]),
        torch.arange(6) // 3,
    )
    both = torch.cat([edge_index, edge_index.flip(0)], dim=1)
    for score in (scores.modularity, scores.conductance):
        assert score(edge_index, labels) == pytest.approx(score(both, labels))


@given(seed=st.integers(0, 10**6), n=st.integers(3, 14), k=st.integers(1, 4))
@settings(deadline=None, max_examples=60)
def test_modularity_and_conductance_are_those_of_networkx(seed, n, k):
    graph = nx.gnm_random_graph(n, 2 * n, seed=seed)
    draw = np.random.default_rng(seed)
    graph.add_edges_from((node, node) for node in range(seed % 3))
    for _, _, edge in graph.edges(data=True):
        edge["weight"] = draw.uniform(0.5, 2.0)
    labels = torch.from_numpy(draw.integers(0, k, n))
    both = list(graph.edges(data="weight"))
    both += [(v, u, w) for u, v, w in both if u != v]
    edge_index = torch.tensor([(u, v) for u, v, _ in both]).T
    weight = torch.tensor([w for *_, w in both], dtype=torch.float64)
    groups = [set((labels == c).nonzero().flatten().tolist()) for c in labels.unique()]
    assert scores.modularity(edge_index, labels, weight) == pytest.approx(
        nx.community.modularity(graph, groups, weight="weight")
    )
    values = []
    for group in groups:
        volumes = [nx.volume(graph, part, weight="weight") for part in (group, set(graph) - group)]
        if min(volumes) > 0:
            values.append(nx.conductance(graph, group, weight="weight"))
    found = scores.conductance(edge_index, labels, weight)
    assert math.isnan(found) if not values else found == pytest.approx(np.mean(values))

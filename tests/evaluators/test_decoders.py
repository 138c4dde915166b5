from dataclasses import replace

import pytest
import torch

from gclkit.evaluators import split_edges
from gclkit.evaluators.decoders import DECODERS, _training_pairs
from gclkit.evaluators.ranking_scores import auc
from gclkit.testing.graphs import random_graph


@pytest.fixture(scope="module")
def split():
    return split_edges(random_graph(80, 4, mean_degree=8.0, seed=5))


def make_z(split, d=6, seed=0):
    """Columns that say through products of certain entries whether two nodes are joined."""
    n = split.num_nodes
    adjacency = torch.zeros(n, n)
    pairs = torch.cat([split.train, split.val, split.test], dim=1)
    adjacency[pairs[0], pairs[1]] = adjacency[pairs[1], pairs[0]] = 1.0
    values, vectors = torch.linalg.eigh(adjacency)
    order = values.abs().argsort(descending=True)[:d]
    return vectors[:, order] * values[order].abs().sqrt(), values[order].sign()


def test_dot_and_cosine_by_definition(split):
    z = torch.randn(80, 5, generator=torch.Generator().manual_seed(0))
    pairs = split.test
    dots = torch.stack([z[u] @ z[v] for u, v in pairs.T])
    torch.testing.assert_close(DECODERS["dot"](z, split, 0)(pairs), dots)
    cosines = torch.cosine_similarity(z[pairs[0]], z[pairs[1]])
    torch.testing.assert_close(DECODERS["cosine"](z, split, 0)(pairs), cosines)


def test_learned_decoders_find_signs_that_the_dot_product_misses(split):
    z, signs = make_z(split)
    assert signs.min() < 0 < signs.max()
    reached = {
        name: auc(make(z, split, 0)(split.test), make(z, split, 0)(split.test_negative))
        for name, make in DECODERS.items()
    }
    assert reached["logistic"] > reached["dot"] and reached["logistic"] > 0.8
    assert reached["mlp"] > 0.7


@pytest.mark.parametrize("name", DECODERS)
def test_scores_are_symmetric_repeatable_and_finite(split, name):
    z, _ = make_z(split)
    z = torch.cat([z, torch.full((80, 1), 0.7)], dim=1)  # A constant column among them.
    before = torch.random.get_rng_state()
    scores = DECODERS[name](z, split, 3)(split.val)
    assert torch.equal(scores, DECODERS[name](z, split, 3)(split.val))
    torch.testing.assert_close(scores, DECODERS[name](z, split, 3)(split.val.flip(0)))
    assert scores.isfinite().all() and scores.shape == (split.val.size(1),)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("name", ["logistic", "mlp"])
def test_validation_pairs_choose_and_test_pairs_do_not(split, name):
    z = torch.randn(80, 5, generator=torch.Generator().manual_seed(2))  # Any fit is by chance.
    bare = replace(split, val_hard=split.val_hard[:, :0], test_hard=split.test_hard[:, :0])
    other_test = replace(bare, test=split.test_negative, test_negative=split.test)
    other_val = replace(bare, val=split.val_negative, val_negative=split.val)
    first, same, other = (
        DECODERS[name](z, given, 3)(split.train) for given in (bare, other_test, other_val)
    )
    assert torch.equal(first, same) and not torch.equal(first, other)


def test_learned_decoders_read_training_edges_only(split):
    pairs, target = _training_pairs(split, seed=1)
    n = split.num_nodes
    train = set((split.train[0] * n + split.train[1]).tolist())
    codes = (pairs[0] * n + pairs[1]).tolist()
    assert all((code in train) == bool(t) for code, t in zip(codes, target.tolist(), strict=True))
    held = torch.cat([split.val, split.test], dim=1)
    seen = set()
    for seed in range(30):
        seen |= set((lambda p: (p[0] * n + p[1]).tolist())(_training_pairs(split, seed)[0]))
    # Held-out edges turn up among the negatives: the decoder is told nothing about them.
    assert seen & set((held[0] * n + held[1]).tolist())


@pytest.mark.parametrize("name", DECODERS)
def test_the_scores_are_the_same_in_inference_mode(split, name):
    z, _ = make_z(split)
    expected = DECODERS[name](z, split, 3)(split.val)
    with torch.inference_mode():
        assert torch.equal(DECODERS[name](z.clone(), split, 3)(split.val), expected)

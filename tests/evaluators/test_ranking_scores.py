import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from gclkit.evaluators import ranking_scores
from gclkit.evaluators.ranking_scores import auc, average_precision, hits_at, mean_reciprocal_rank

# Few different values, so that ties are common.
scores_of = st.lists(st.integers(0, 6), min_size=1, max_size=20)


@given(scores_of, scores_of)
@settings(deadline=None, max_examples=150)
def test_auc_and_ap_are_those_of_scikit_learn(positive, negative):
    truth = [1] * len(positive) + [0] * len(negative)
    one, two = torch.tensor(positive).float(), torch.tensor(negative).float()
    assert auc(one, two) == pytest.approx(roc_auc_score(truth, positive + negative))
    assert average_precision(one, two) == pytest.approx(
        average_precision_score(truth, positive + negative)
    )


@given(scores_of, scores_of, st.integers(1, 8))
@settings(deadline=None, max_examples=100)
def test_hits_and_mrr_by_loops(positive, negative, k):
    one, two = torch.tensor(positive).float(), torch.tensor(negative).float()
    if len(negative) < k:
        assert hits_at(one, two, k) == 1.0
    else:
        limit = sorted(negative, reverse=True)[k - 1]
        assert hits_at(one, two, k) == pytest.approx(np.mean([p > limit for p in positive]))
    ranks = [
        1 + sum(q > p for q in negative) + 0.5 * sum(q == p for q in negative) for p in positive
    ]
    assert mean_reciprocal_rank(one, two) == pytest.approx(np.mean([1 / rank for rank in ranks]))


def test_all_at_once():
    one, two = torch.linspace(0.2, 1, 40), torch.linspace(0, 0.9, 300)
    found = ranking_scores(one, two)
    assert list(found) == ["auc", "ap", "hits@10", "hits@50", "hits@100", "mrr"]
    assert found["hits@10"] < found["hits@50"] < found["hits@100"]


def test_refusals():
    with pytest.raises(ValueError) as error:
        auc(torch.tensor([torch.nan, 1.0]), torch.tensor([0.5]))
    assert str(error.value) == (
        "auc: 'positive' must be finite (got '1 of 2 entries NaN or infinite')"
    )
    with pytest.raises(ValueError) as error:
        auc(torch.tensor([1.0]), torch.tensor([]))
    assert str(error.value) == "auc: 'negative' must be a row of one score or more (got (0,))"

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from gclkit.evaluators.classification_scores import (
    accuracy,
    class_f1,
    class_report,
    confusion_matrix,
    macro_f1,
)

pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30)


@given(pairs)
@settings(deadline=None, max_examples=150)
def test_agree_with_scikit_learn(rows):
    y, predicted = torch.tensor(rows).T
    confusion = confusion_matrix(y, predicted, 5)
    assert np.array_equal(confusion, metrics.confusion_matrix(y, predicted, labels=range(5)))
    assert accuracy(confusion) == pytest.approx(metrics.accuracy_score(y, predicted))
    assert accuracy(confusion) == pytest.approx(metrics.f1_score(y, predicted, average="micro"))
    assert macro_f1(confusion) == pytest.approx(metrics.f1_score(y, predicted, average="macro"))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        y, predicted, labels=range(5), zero_division=0
    )
    for label, row in enumerate(class_report(confusion)):
        assert list(row.values()) == pytest.approx(
            [precision[label], recall[label], f1[label], support[label]]
        )


def test_a_class_that_is_nowhere_has_no_f1():
    assert class_f1(torch.tensor([[3, 1], [0, 0]]))[1] == 0.0
    assert class_f1(torch.tensor([[3, 0], [0, 0]]))[1].isnan()


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError) as error:
        confusion_matrix(torch.zeros(3).long(), torch.zeros(2).long(), 2)
    assert str(error.value) == (
        "confusion_matrix: 'predicted' must be one class per label (got (2,))"
    )

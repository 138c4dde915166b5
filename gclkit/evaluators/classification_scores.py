"""Accuracy and F1 from one confusion matrix."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.checks import reject


def confusion_matrix(
    y: Int[Tensor, " n"], predicted: Int[Tensor, " n"], num_classes: int
) -> Int[Tensor, "c c"]:
    """Counts nodes by true class (row) and predicted class (column)."""
    if y.shape != predicted.shape or y.numel() == 0:
        reject("confusion_matrix", "predicted", "one class per label", tuple(predicted.shape))
    counts = torch.bincount(y * num_classes + predicted, minlength=num_classes**2)
    return counts.view(num_classes, num_classes)


def accuracy(confusion: Int[Tensor, "c c"]) -> float:
    """Share of the nodes on the diagonal; equals micro F1, as each node has one class."""
    return float(confusion.diagonal().sum()) / float(confusion.sum())


def class_f1(confusion: Int[Tensor, "c c"]) -> Float[Tensor, " c"]:
    r"""F1 of each class, :math:`2\,\mathrm{TP} / (2\,\mathrm{TP} + \mathrm{FP} + \mathrm{FN})`.

    Returns:
        In [0, 1], fp64; NaN for a class that is neither present nor predicted.
    """
    double = confusion.double()
    return 2 * double.diagonal() / (double.sum(dim=0) + double.sum(dim=1))


def macro_f1(confusion: Int[Tensor, "c c"]) -> float:
    """Mean F1 over the classes that are present or predicted, as scikit-learn's ``macro``."""
    return float(class_f1(confusion).nanmean())


def class_report(confusion: Int[Tensor, "c c"]) -> list[dict[str, float]]:
    """Precision, recall, F1 (0 where undefined) and number of nodes, per class."""
    double = confusion.double()
    hits, columns, rows = double.diagonal(), double.sum(dim=0), double.sum(dim=1)
    table = torch.stack([hits / columns, hits / rows, class_f1(confusion), rows], dim=1)
    names = ("precision", "recall", "f1", "support")
    return [dict(zip(names, line, strict=True)) for line in table.nan_to_num(0.0).tolist()]

"""What every classifier on frozen embeddings takes and returns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.checks import reject
from gclkit.evaluators.classification_scores import (
    accuracy,
    class_report,
    confusion_matrix,
    macro_f1,
)
from gclkit.evaluators.inputs import check_embeddings, check_labels
from gclkit.graphs.split import Split, check_split


@dataclass(frozen=True)
class ProbeScores:
    """Scores of one classifier on the test nodes of one split; shares in [0, 1].

    Args:
        accuracy: Share of the test nodes whose class was found.
        micro_f1: Micro-averaged F1; equals the accuracy, as each node has one class.
        macro_f1: Mean F1 over the classes.
        strength: The setting that won on the validation nodes.
        val_accuracy: Its accuracy there.
        confusion: Test nodes by true (row) and predicted class (column).
        predicted: Class of each test node, in the order of ``split.test``.
    """

    accuracy: float
    micro_f1: float
    macro_f1: float
    strength: float
    val_accuracy: float
    confusion: Int[Tensor, "c c"] = field(repr=False, compare=False)
    predicted: Int[Tensor, " b"] = field(repr=False, compare=False)

    @classmethod
    def of(
        cls,
        y: Int[Tensor, " b"],
        predicted: Int[Tensor, " b"],
        num_classes: int,
        *,
        strength: float,
        val_accuracy: float,
    ) -> ProbeScores:
        """Scores what was predicted for the test nodes against their classes ``y``."""
        confusion = confusion_matrix(y, predicted, num_classes).cpu()
        return cls(
            accuracy=accuracy(confusion),
            micro_f1=accuracy(confusion),
            macro_f1=macro_f1(confusion),
            strength=strength,
            val_accuracy=val_accuracy,
            confusion=confusion,
            predicted=predicted.cpu(),
        )

    def per_class(self) -> list[dict[str, float]]:
        """Precision, recall, F1 and number of test nodes of each class."""
        return class_report(self.confusion)


def check_probe_input(
    owner: str, z: Tensor | np.ndarray, y: Tensor, splits: Sequence[Split]
) -> tuple[Float[Tensor, "n d"], Int[Tensor, " n"], list[Split]]:
    """Returns embeddings, labels on their device and splits if a classifier can take them.

    Raises:
        ValueError: If embeddings or labels are unfit, a split stands alone or names a node that
            is not there, or the training nodes of a split hold one class only.
    """
    if isinstance(splits, Split):
        reject(owner, "splits", "a list of splits", "one split")
    z = check_embeddings(owner, z)
    y = check_labels(owner, y, z.size(0), splits).to(z.device)
    splits = [check_split(owner, split, z.size(0)) for split in splits]
    for split in splits:
        if len(y[split.train].unique()) < 2:
            reject(owner, "train", "nodes of two classes or more", "one class")
    return z, y, splits


def check_settings(
    owner: str,
    name: str,
    values: Collection[float],
    check: Callable[[str, str, Any], object],
) -> None:
    """Raises a ``ValueError`` unless there is one setting to choose from or more, all sound.

    Args:
        owner: Function that the error message names.
        name: Argument that the error message names.
        values: The settings.
        check: Of :mod:`gclkit.checks`, applied to each.
    """
    if not isinstance(values, Collection) or len(values) == 0:
        reject(owner, name, "a list of one number or more", values)
    for value in values:
        check(owner, name, value)

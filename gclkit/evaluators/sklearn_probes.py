"""Support vectors, nearest neighbors and random forests, by scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.checks import check_count, check_positive
from gclkit.evaluators.linear_probe import scale_embeddings
from gclkit.evaluators.probe_scores import ProbeScores, check_probe_input
from gclkit.graphs.split import Split


@dataclass(frozen=True)
class SVMProbe:
    """Support vector machine with a radial kernel on l2-normalized embeddings.

    Args:
        strengths: Penalties :math:`C` to choose from, on validation accuracy.
    """

    strengths: tuple[float, ...] = (0.1, 1.0, 10.0, 100.0)

    def __post_init__(self) -> None:
        for strength in self.strengths or (0,):
            check_positive("SVMProbe", "strengths", strength)

    @property
    def protocol(self) -> str:
        """What a report says about this probe."""
        return _protocol("support vector machine (radial kernel)", "C", self.strengths)

    def score_splits(self, z: Tensor, y: Tensor, splits: Sequence[Split]) -> list[ProbeScores]:
        """Scores many splits, one after the other."""
        from sklearn.svm import SVC

        return _score_splits("SVMProbe", z, y, splits, self.strengths, lambda c: SVC(C=c))

    def __call__(self, z: Float[Tensor, "n d"], y: Int[Tensor, " n"], split: Split) -> ProbeScores:
        """Scores one split."""
        return self.score_splits(z, y, [split])[0]


@dataclass(frozen=True)
class KNNProbe:
    """Majority of the nearest training nodes, Euclidean on l2-normalized embeddings.

    Args:
        neighbors: Numbers of neighbors to choose from, on validation accuracy; one above the
            number of training nodes of a split stands for all of them, and is reported as such.
    """

    neighbors: tuple[int, ...] = (1, 3, 5, 10, 20)

    def __post_init__(self) -> None:
        for count in self.neighbors or (0,):
            check_count("KNNProbe", "neighbors", count)

    @property
    def protocol(self) -> str:
        """What a report says about this probe."""
        return _protocol("nearest neighbors", "k", self.neighbors)

    def score_splits(self, z: Tensor, y: Tensor, splits: Sequence[Split]) -> list[ProbeScores]:
        """Scores many splits, one after the other."""
        from sklearn.neighbors import KNeighborsClassifier

        scores = []
        for split in splits:
            counts = [min(count, len(split[0])) for count in self.neighbors]
            scores += _score_splits(
                "KNNProbe", z, y, [split], counts, lambda k: KNeighborsClassifier(int(k))
            )
        return scores

    def __call__(self, z: Float[Tensor, "n d"], y: Int[Tensor, " n"], split: Split) -> ProbeScores:
        """Scores one split."""
        return self.score_splits(z, y, [split])[0]


@dataclass(frozen=True)
class RandomForestProbe:
    """Random forest on l2-normalized embeddings.

    Args:
        trees: Number of trees.
        leaves: Smallest leaves to choose from, on validation accuracy.
        seed: Of the trees.
    """

    trees: int = 200
    leaves: tuple[int, ...] = (1, 3)
    seed: int = 0

    def __post_init__(self) -> None:
        check_count("RandomForestProbe", "trees", self.trees)
        for leaf in self.leaves or (0,):
            check_count("RandomForestProbe", "leaves", leaf)

    @property
    def protocol(self) -> str:
        """What a report says about this probe."""
        return _protocol(f"random forest of {self.trees} trees", "smallest leaf", self.leaves)

    def score_splits(self, z: Tensor, y: Tensor, splits: Sequence[Split]) -> list[ProbeScores]:
        """Scores many splits, one after the other."""
        from sklearn.ensemble import RandomForestClassifier

        return _score_splits(
            "RandomForestProbe", z, y, splits, self.leaves,
            lambda leaf: RandomForestClassifier(
                self.trees, min_samples_leaf=int(leaf), random_state=self.seed
            ),
        )  # fmt: skip

    def __call__(self, z: Float[Tensor, "n d"], y: Int[Tensor, " n"], split: Split) -> ProbeScores:
        """Scores one split."""
        return self.score_splits(z, y, [split])[0]


def _protocol(name: str, setting: str, choices: Sequence[float]) -> str:
    listed = ", ".join(f"{choice:g}" for choice in choices)
    return (
        f"{name} on l2-normalized frozen embeddings, {setting} from {{{listed}}} "
        "on validation accuracy, test read once"
    )


def _score_splits(
    owner: str,
    z: Tensor,
    y: Tensor,
    splits: Sequence[Split],
    choices: Sequence[float],
    make: Callable[[float], Any],
) -> list[ProbeScores]:
    z, y, splits = check_probe_input(owner, z, y, splits)
    num_classes = int(y.max()) + 1
    features, labels = scale_embeddings(z, "l2").cpu().numpy(), y.cpu().numpy()
    results = []
    for split in splits:
        train, val, test = (part.cpu().numpy() for part in split)
        fits = [make(choice).fit(features[train], labels[train]) for choice in choices]
        hits = [float((fit.predict(features[val]) == labels[val]).mean()) for fit in fits]
        best = max(range(len(fits)), key=hits.__getitem__)
        predicted = torch.from_numpy(fits[best].predict(features[test]))
        scores = ProbeScores.of(
            torch.from_numpy(labels[test]),
            predicted,
            num_classes,
            strength=float(choices[best]),
            val_accuracy=hits[best],
        )
        results.append(scores)
    return results

"""Support vectors, nearest neighbors and random forests, by scikit-learn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.checks import check_count, check_positive, check_seed
from gclkit.evaluators.linear_probe import scale_embeddings
from gclkit.evaluators.probe_scores import ProbeScores, check_probe_input, check_settings
from gclkit.graphs.split import Split


class _SklearnProbe(ABC):
    """Fits every candidate, keeps the one that is best on ``val`` and reads ``test`` once."""

    @abstractmethod
    def _candidates(self, split: Split) -> dict[float, Any]:
        """The classifiers to choose from, one or more, by the setting in which they differ."""

    def __call__(self, z: Float[Tensor, "n d"], y: Int[Tensor, " n"], split: Split) -> ProbeScores:
        """Scores one split."""
        return self.score_splits(z, y, [split])[0]

    def score_splits(
        self, z: Float[Tensor, "n d"], y: Int[Tensor, " n"], splits: Sequence[Split]
    ) -> list[ProbeScores]:
        """Scores many splits, one after the other."""
        z, y, splits = check_probe_input(type(self).__name__, z, y, splits)
        features, labels = scale_embeddings(z, "l2").cpu().numpy(), y.cpu().numpy()
        results = []
        for split in splits:
            train, val, test = (part.numpy() for part in split)
            fits = self._candidates(split)
            hits = {}
            for choice, fit in fits.items():
                found = fit.fit(features[train], labels[train]).predict(features[val])
                hits[choice] = float((found == labels[val]).mean())
            best = max(hits, key=hits.__getitem__)
            scores = ProbeScores.of(
                torch.from_numpy(labels[test]),
                torch.from_numpy(fits[best].predict(features[test])),
                int(y.max()) + 1,
                strength=float(best),
                val_accuracy=hits[best],
            )
            results.append(scores)
        return results


@dataclass(frozen=True)
class SVMProbe(_SklearnProbe):
    """Support vector machine with a radial kernel on l2-normalized embeddings.

    Args:
        strengths: Penalties :math:`C` to choose from, on validation accuracy.
    """

    strengths: tuple[float, ...] = (0.1, 1.0, 10.0, 100.0)

    def __post_init__(self) -> None:
        check_settings("SVMProbe", "strengths", self.strengths, check_positive)

    @property
    def protocol(self) -> str:
        """What a report says about this probe."""
        return _protocol("support vector machine (radial kernel)", "C", self.strengths)

    def _candidates(self, split: Split) -> dict[float, Any]:
        from sklearn.svm import SVC

        return {strength: SVC(C=strength) for strength in self.strengths}


@dataclass(frozen=True)
class KNNProbe(_SklearnProbe):
    """Majority of the nearest training nodes, Euclidean on l2-normalized embeddings.

    Args:
        neighbors: Numbers of neighbors to choose from, on validation accuracy; one above the
            number of training nodes of a split stands for all of them, and is reported as such.
    """

    neighbors: tuple[int, ...] = (1, 3, 5, 10, 20)

    def __post_init__(self) -> None:
        check_settings("KNNProbe", "neighbors", self.neighbors, check_count)

    @property
    def protocol(self) -> str:
        """What a report says about this probe."""
        return _protocol("nearest neighbors", "k", self.neighbors)

    def _candidates(self, split: Split) -> dict[float, Any]:
        from sklearn.neighbors import KNeighborsClassifier

        counts = [min(count, len(split.train)) for count in self.neighbors]
        return {count: KNeighborsClassifier(count) for count in counts}


@dataclass(frozen=True)
class RandomForestProbe(_SklearnProbe):
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
        check_settings("RandomForestProbe", "leaves", self.leaves, check_count)
        check_seed("RandomForestProbe", "seed", self.seed, bits=32)

    @property
    def protocol(self) -> str:
        """What a report says about this probe."""
        return _protocol(f"random forest of {self.trees} trees", "smallest leaf", self.leaves)

    def _candidates(self, split: Split) -> dict[float, Any]:
        from sklearn.ensemble import RandomForestClassifier as Forest

        return {
            leaf: Forest(self.trees, min_samples_leaf=leaf, random_state=self.seed)
            for leaf in self.leaves
        }


def _protocol(name: str, setting: str, choices: Sequence[float]) -> str:
    listed = ", ".join(f"{choice:g}" for choice in choices)
    return (
        f"{name} on l2-normalized frozen embeddings, {setting} from {{{listed}}} "
        "on validation accuracy, test read once"
    )

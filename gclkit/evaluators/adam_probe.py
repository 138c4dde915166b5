"""Logistic regression as the papers' code trains it: by Adam, with a stop on validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.checks import check_count, check_positive
from gclkit.evaluators.probe_scores import ProbeScores, check_probe_input
from gclkit.graphs.split import Split


@dataclass(frozen=True)
class AdamProbe:
    """The classifier behind the figures of GCA, CSGCL and their relatives.

    One linear map of the embeddings as they are, without regularisation, trained by full-batch
    Adam on the training nodes; the step with the best validation accuracy, looked at every
    ``every`` steps, is kept (`GCA's code <https://github.com/CRIPAC-DIG/GCA>`_, ``eval.py``).
    It is for comparison with published figures: :class:`LinearProbe` has an optimum that does
    not depend on when one stops.

    Args:
        steps: Steps of Adam.
        lr: Their size.
        every: Steps between two looks at the validation nodes.
        seed: Of the first weights.
    """

    steps: int = 3000
    lr: float = 0.01
    every: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        check_count("AdamProbe", "steps", self.steps)
        check_positive("AdamProbe", "lr", self.lr)
        check_count("AdamProbe", "every", self.every)
        check_count("AdamProbe", "seed", self.seed, at_least=0)

    @property
    def protocol(self) -> str:
        """What a report says about this probe."""
        return (
            f"logistic regression on raw frozen embeddings, {self.steps} steps of Adam at "
            f"lr {self.lr:g}, step chosen on validation accuracy, test read once"
        )

    def __call__(self, z: Float[Tensor, "n d"], y: Int[Tensor, " n"], split: Split) -> ProbeScores:
        """Scores one split."""
        return self.score_splits(z, y, [split])[0]

    def score_splits(
        self, z: Float[Tensor, "n d"], y: Int[Tensor, " n"], splits: Sequence[Split]
    ) -> list[ProbeScores]:
        """Scores many splits, one after the other.

        Args:
            z: Embeddings; a sparse matrix is made dense.
            y: Classes, numbered from 0 without a gap, two or more.
            splits: Splits of the n nodes.

        Returns:
            One :class:`ProbeScores` per split; its ``strength`` is the step that was kept.

        Raises:
            ValueError: If embeddings, labels or splits are unfit, or the training nodes of a
                split hold one class only.
        """
        z, y, splits = check_probe_input("AdamProbe", z, y, splits)
        return [self._score(z, y, split) for split in splits]

    @torch.inference_mode(False)
    def _score(self, z: Tensor, y: Tensor, split: Split) -> ProbeScores:
        train, val, test = (part.to(z.device) for part in (split.train, split.val, split.test))
        classes = int(y.max()) + 1
        generator = torch.Generator().manual_seed(self.seed)
        bound = (6 / (z.size(1) + classes)) ** 0.5  # Glorot's, as in their code.
        start = (torch.rand(classes, z.size(1), generator=generator) * 2 - 1) * bound
        weight = start.to(z).requires_grad_()
        bias = z.new_zeros(classes, requires_grad=True)
        optimizer = torch.optim.Adam([weight, bias], lr=self.lr)
        best, kept, predicted = -1.0, 0, y.new_zeros(0)
        with torch.enable_grad():
            for step in range(1, self.steps + 1):
                optimizer.zero_grad()
                F.cross_entropy(F.linear(z[train], weight, bias), y[train]).backward()
                optimizer.step()
                if step % self.every == 0 or step == self.steps:
                    with torch.no_grad():
                        found = F.linear(z[val], weight, bias).argmax(dim=1)
                        hits = float((found == y[val]).double().mean())
                        if hits > best:
                            best, kept = hits, step
                            predicted = F.linear(z[test], weight, bias).argmax(dim=1)
        return ProbeScores.of(y[test], predicted, classes, strength=float(kept), val_accuracy=best)

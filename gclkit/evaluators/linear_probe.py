"""Logistic regression on frozen embeddings, over all splits and strengths at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.checks import check_choice, check_count, check_positive
from gclkit.evaluators.logistic import fit_logistic
from gclkit.evaluators.probe_scores import ProbeScores, check_probe_input, check_settings
from gclkit.graphs.split import Split

# The scalings, and what a report calls embeddings that are scaled so.
_ADJECTIVES = {
    "l2": "l2-normalized",
    "common": "centered",
    "standardize": "standardized",
    "none": "unscaled",
}
_BUDGET = 2**28  # Bytes of training rows and logits held at once; more splits follow in turn.


@dataclass(frozen=True)
class LinearProbe:
    r"""Logistic regression on frozen embeddings, tuned on ``val``, read once on ``test``.

    Minimises scikit-learn's objective, :math:`C \sum_i \ell_i + \tfrac12 \lVert W \rVert_F^2`
    (multinomial, intercept free), for every strength; the strength with the best validation
    accuracy is kept, the smallest of equals.

    Args:
        strengths: Inverse regularisation strengths :math:`C` to choose from, positive.
        scaling: ``"l2"`` brings each row to length 1, then divides all columns by one number
            that makes their mean variance 1, so that a strength means the same for any width;
            ``"common"`` does the second step only; ``"standardize"`` divides each column by its
            own deviation, which lifts rare words over common ones; ``"none"`` takes the
            embeddings as they are. Statistics are over all nodes, labels are never used.
        max_iter: Iteration limit of the solver.
        tolerance: Largest entry of the gradient of the mean loss at which a fit is done.

    Example:
        >>> z, y = torch.eye(3).repeat(20, 1), torch.arange(60) % 3
        >>> split = Split(torch.arange(12), torch.arange(12, 30), torch.arange(30, 60))
        >>> LinearProbe()(z, y, split).accuracy
        1.0
    """

    # A few labels per class want the smallest; half the step was no better on held-out nodes.
    strengths: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
    scaling: str = "l2"
    max_iter: int = 300
    tolerance: float = 3e-4

    def __post_init__(self) -> None:
        check_settings("LinearProbe", "strengths", self.strengths, check_positive)
        check_choice("LinearProbe", "scaling", self.scaling, _ADJECTIVES)
        check_count("LinearProbe", "max_iter", self.max_iter)
        check_positive("LinearProbe", "tolerance", self.tolerance)

    @property
    def protocol(self) -> str:
        """What a report says about this probe."""
        choices = ", ".join(f"{strength:g}" for strength in sorted(self.strengths))
        return (
            f"logistic regression on {_ADJECTIVES[self.scaling]} frozen embeddings, "
            f"C from {{{choices}}} on validation accuracy, test read once"
        )

    def __call__(self, z: Float[Tensor, "n d"], y: Int[Tensor, " n"], split: Split) -> ProbeScores:
        """Scores one split."""
        return self.score_splits(z, y, [split])[0]

    def score_splits(
        self, z: Float[Tensor, "n d"], y: Int[Tensor, " n"], splits: Sequence[Split]
    ) -> list[ProbeScores]:
        """Scores many splits, all of them and all strengths in one tensor program.

        Args:
            z: Embeddings; a sparse matrix is made dense.
            y: Classes, numbered from 0 without a gap, two or more; nodes that no split holds may
                be marked as unknown by a negative number.
            splits: Splits of the n nodes, of any sizes.

        Returns:
            One :class:`ProbeScores` per split, in order.

        Raises:
            ValueError: If embeddings or labels are unfit, a split names a node that is not
                there, or the training nodes of a split hold one class only.
        """
        z, y, splits = check_probe_input("LinearProbe", z, y, splits)
        z = scale_embeddings(z, self.scaling)
        strengths, num_classes = sorted(self.strengths), int(y.max()) + 1
        longest = max(len(split.train) for split in splits) if splits else 1
        row = z.element_size() * (4 * z.size(1) + 6 * len(strengths) * num_classes)
        at_once = max(1, _BUDGET // (longest * row))
        scores: list[ProbeScores] = []
        for first in range(0, len(splits), at_once):
            chunk = splits[first : first + at_once]
            train = torch.nn.utils.rnn.pad_sequence(
                [split.train for split in chunk], batch_first=True, padding_value=-1
            ).to(z.device)
            fit = fit_logistic(
                z[train.clamp(min=0)],
                y[train.clamp(min=0)],
                strengths=strengths,
                num_classes=num_classes,
                present=(train >= 0).to(z.dtype),
                max_iter=self.max_iter,
                tolerance=self.tolerance,
            )
            for split, weight, bias in zip(chunk, fit.weight, fit.bias, strict=True):
                scores.append(_select(z, y, split, weight, bias, strengths))
        return scores


def scale_embeddings(z: Float[Tensor, "n d"], scaling: str) -> Float[Tensor, "n d"]:
    """Scales embeddings in one of the ways of :class:`LinearProbe`; constant ones become 0."""
    if scaling == "none":
        return z
    z = F.normalize(z, dim=1) if scaling == "l2" else z
    deviation, mean = torch.std_mean(z, dim=0, correction=0)
    # Rounding leaves a constant column a deviation of about eps; it stays a constant.
    dead = deviation <= 8 * torch.finfo(z.dtype).eps * z.abs().amax(dim=0)
    if scaling == "standardize":
        return (z - mean).div_(deviation.masked_fill(dead, 1.0)).masked_fill_(dead, 0.0)
    common = deviation.masked_fill(dead, 0.0).square().mean().sqrt()
    return (z - mean).masked_fill_(dead, 0.0).div_(common if float(common) > 0 else 1.0)


def _select(
    z: Tensor, y: Tensor, split: Split, weight: Tensor, bias: Tensor, strengths: list[float]
) -> ProbeScores:
    """Validation chooses among the strengths; only the winner sees the test nodes."""
    val, test = split.val.to(z.device), split.test.to(z.device)
    hits = ((z[val] @ weight + bias.unsqueeze(1)).argmax(dim=2) == y[val]).double().mean(dim=1)
    best = int(hits.argmax())  # The first of equals: the strongest regularisation.
    predicted = (z[test] @ weight[best] + bias[best]).argmax(dim=1)
    return ProbeScores.of(
        y[test],
        predicted,
        bias.size(1),
        strength=strengths[best],
        val_accuracy=float(hits[best]),
    )

"""Scores of pairs of nodes from their frozen embeddings."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.evaluators.edge_sampling import sample_non_edges
from gclkit.evaluators.edge_split import EdgeSplit
from gclkit.evaluators.logistic import fit_logistic
from gclkit.evaluators.ranking_scores import auc

Scorer = Callable[[Tensor], Tensor]  # Pairs [2, m] -> scores [m].

_PAIRS = 20_000  # Training edges that a learned decoder reads at most.
_STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0, 10.0)


def dot_decoder(z: Float[Tensor, "n d"], split: EdgeSplit, seed: int = 0) -> Scorer:
    r"""Inner product :math:`z_u^\top z_v`, the decoder of GAE (Kipf & Welling 2016)."""
    return _in_blocks(z, lambda left, right: (left * right).sum(dim=1))


def cosine_decoder(z: Float[Tensor, "n d"], split: EdgeSplit, seed: int = 0) -> Scorer:
    """Cosine of the two embeddings."""
    return dot_decoder(F.normalize(z, dim=1), split)


def logistic_decoder(z: Float[Tensor, "n d"], split: EdgeSplit, seed: int = 0) -> Scorer:
    r"""Logistic regression on the Hadamard product :math:`z_u \odot z_v` (standardized).

    Fitted on training edges against as many random pairs that are not training edges; the
    strength with the best AUC on the validation pairs is kept.
    """
    pairs, target = _training_pairs(split, seed)
    pairs, target = pairs.to(z.device), target.to(z.device)
    products = z[pairs[0]] * z[pairs[1]]
    mean, deviation = _mean_and_deviation(products)
    rows = (products - mean) / deviation
    fit = fit_logistic(rows.unsqueeze(0), target.unsqueeze(0), strengths=_STRENGTHS, num_classes=2)
    slopes = (fit.weight[0, :, :, 1] - fit.weight[0, :, :, 0]) / deviation  # [s d]

    def scorer(slope: Tensor) -> Scorer:
        return _in_blocks(z, lambda left, right: (left * right) @ slope)

    def on_validation(slope: Tensor) -> float:
        return auc(scorer(slope)(split.val), scorer(slope)(split.val_negative))

    return scorer(max(slopes, key=on_validation))


@torch.inference_mode(False)
def mlp_decoder(z: Float[Tensor, "n d"], split: EdgeSplit, seed: int = 0) -> Scorer:
    r"""Two layers (64 ReLU units) on :math:`[z_u \odot z_v, |z_u - z_v|]`, standardized.

    Adam, 30 epochs of batches of 1,024 training pairs; the epoch with the best AUC on the
    validation pairs is kept.
    """
    pairs, target = _training_pairs(split, seed)
    generator = torch.Generator().manual_seed(seed)
    left, right = z[pairs[0].to(z.device)], z[pairs[1].to(z.device)]
    features = torch.cat([left * right, (left - right).abs()], dim=1)
    mean, deviation = _mean_and_deviation(features)
    features, width = (features - mean) / deviation, 64
    target = target.to(z.device, z.dtype)

    def start(*shape: int) -> Tensor:
        bound = shape[0] ** -0.5
        drawn = torch.rand(shape, generator=generator, dtype=z.dtype) * 2 - 1
        return (bound * drawn).to(z.device).requires_grad_()

    parameters = [
        start(features.size(1), width),
        start(width),
        start(width),
        torch.zeros((), dtype=z.dtype, device=z.device, requires_grad=True),
    ]

    def head(rows: Tensor, state: list[Tensor]) -> Tensor:
        first, shift, last, end = state
        return torch.relu(rows @ first + shift) @ last + end

    def scorer() -> Scorer:
        state = [tensor.detach().clone() for tensor in parameters]

        def decode(left: Tensor, right: Tensor) -> Tensor:
            rows = torch.cat([left * right, (left - right).abs()], dim=1)
            return head((rows - mean) / deviation, state)

        return _in_blocks(z, decode)

    optimizer = torch.optim.Adam(parameters, lr=1e-3, weight_decay=1e-5)
    best, best_auc = scorer(), -1.0
    with torch.enable_grad():
        for _ in range(30):
            order = torch.randperm(len(target), generator=generator).to(z.device)
            for batch in order.split(1024):
                optimizer.zero_grad()
                logits = head(features[batch], parameters)
                F.binary_cross_entropy_with_logits(logits, target[batch]).backward()
                optimizer.step()
            current = scorer()
            reached = auc(current(split.val), current(split.val_negative))
            if reached > best_auc:
                best, best_auc = current, reached
    return best


DECODERS: dict[str, Callable[[Tensor, EdgeSplit, int], Scorer]] = {
    "dot": dot_decoder,
    "cosine": cosine_decoder,
    "logistic": logistic_decoder,
    "mlp": mlp_decoder,
}


def _mean_and_deviation(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Of each column; 1 in place of the deviation of a constant one, which is rounding."""
    deviation, mean = torch.std_mean(rows, dim=0, correction=0)
    return mean, deviation.masked_fill(deviation <= 1e-7 * rows.abs().amax(dim=0), 1.0)


def _in_blocks(z: Tensor, decode: Callable[[Tensor, Tensor], Tensor]) -> Scorer:
    def score(pairs: Int[Tensor, "2 m"]) -> Float[Tensor, " m"]:
        blocks = pairs.to(z.device).split(65_536, dim=1)
        with torch.no_grad():
            return torch.cat([decode(z[left], z[right]) for left, right in blocks])

    return score


def _training_pairs(split: EdgeSplit, seed: int) -> tuple[Tensor, Tensor]:
    """Training edges and random pairs that are not among them, with targets 1 and 0.

    A held-out edge may be among the negatives: to leave it out would tell the decoder of it.
    """
    generator = torch.Generator().manual_seed(seed)
    kept = torch.randperm(split.train.size(1), generator=generator)[:_PAIRS]
    edges, n = split.train[:, kept], split.num_nodes
    codes = (split.train[0] * n + split.train[1]).sort().values
    negative = sample_non_edges(codes, n, edges.size(1), generator)
    pairs = torch.cat([edges, torch.stack([negative // n, negative % n])], dim=1)
    return pairs, (torch.arange(pairs.size(1)) < edges.size(1)).long()

"""Embeddings, labels and a split -> scores. Never sees the model."""

from gclkit.evaluators.evaluate import evaluate
from gclkit.evaluators.linear_probe import LinearProbe, ProbeScores
from gclkit.evaluators.node_splits import k_shot_split, make_splits, splits_hash
from gclkit.evaluators.summary import summarize

__all__ = [
    "LinearProbe",
    "ProbeScores",
    "evaluate",
    "k_shot_split",
    "make_splits",
    "splits_hash",
    "summarize",
]

"""One call from embeddings to a plain dict of scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from gclkit.checks import check_choice, reject
from gclkit.evaluators.inputs import check_embeddings, check_labels
from gclkit.evaluators.linear_probe import LinearProbe
from gclkit.evaluators.node_splits import make_splits, splits_hash
from gclkit.evaluators.summary import summarize
from gclkit.graphs.split import Split

Embeddings = Tensor | np.ndarray


def evaluate(
    z: Embeddings | Mapping[int, Embeddings],
    data: Data,
    *,
    tasks: Sequence[str] = ("classification",),
    splits: str | Split | Sequence[Split] = "random",
    num_splits: int = 10,
    split_seed: int = 0,
    probe: LinearProbe | None = None,
) -> dict[str, Any]:
    """Scores embeddings on the tasks asked for.

    Args:
        z: Embeddings [n, d], or one such matrix per training seed: ``{seed: z}``.
        data: The graph they belong to; classification and clustering read ``y``.
        tasks: Of ``"classification"``.
        splits: For classification: ``"random"`` (10/10/80), ``"stratified"``, ``"public"``,
            ``"<k>-shot"``, or splits. The same ones serve every training seed.
        num_splits: How many random or k-shot splits.
        split_seed: Seed of the first split; split i takes ``split_seed + i``.
        probe: Classifier. (default: ``LinearProbe()``)

    Returns:
        ``{task: {score: summary, …, "split", "split_hash", "protocol"}}``, plain numbers, the
        ``results`` of a ``report.json``; the summaries are those of :func:`summarize`.

    Raises:
        ValueError: If a task is unknown, or embeddings, labels or splits do not fit the graph.
    """
    by_seed = z if isinstance(z, Mapping) else {0: z}
    if not by_seed:
        reject("evaluate", "z", "embeddings of one seed or more", "none")
    if isinstance(tasks, str):
        tasks = (tasks,)
    for task in tasks:
        check_choice("evaluate", "tasks", task, _TASKS)
    matrices = {
        int(seed): check_embeddings("evaluate", _as_tensor(rows), data.num_nodes)
        for seed, rows in by_seed.items()
    }
    results: dict[str, Any] = {}
    if "classification" in tasks:
        chosen = make_splits(data, splits, num_splits=num_splits, seed=split_seed)
        results["classification"] = _classification(
            matrices, data, chosen, LinearProbe() if probe is None else probe
        )
    return results


_TASKS = ("classification",)


def _as_tensor(rows: Embeddings) -> Tensor:
    return torch.from_numpy(rows) if isinstance(rows, np.ndarray) else rows


def _classification(
    matrices: Mapping[int, Tensor], data: Data, splits: Sequence[Split], probe: LinearProbe
) -> dict[str, Any]:
    y = check_labels("evaluate", data.y, int(data.num_nodes or 0))
    runs = [
        (seed, index, scores)
        for seed, z in matrices.items()
        for index, scores in enumerate(probe.score_splits(z, y, splits))
    ]

    def collect(value: Callable[[Any], float]) -> dict[str, Any]:
        return summarize(
            {"seed": seed, "split": index, "value": value(scores)} for seed, index, scores in runs
        )

    return {
        "accuracy": collect(lambda scores: scores.accuracy),
        "micro_f1": collect(lambda scores: scores.micro_f1),
        "macro_f1": collect(lambda scores: scores.macro_f1),
        "val_accuracy": collect(lambda scores: scores.val_accuracy),
        "split": splits[0].name,
        "num_splits": len(splits),
        "split_hash": splits_hash(splits),
        "protocol": probe.protocol,
    }

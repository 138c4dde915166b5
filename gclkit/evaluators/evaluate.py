"""One call from embeddings to a plain dict of scores."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch_geometric.data import Data

from gclkit.checks import check_choice, check_count, check_seed, reject
from gclkit.evaluators.classification_scores import class_report
from gclkit.evaluators.clustering import KMeansClustering
from gclkit.evaluators.edge_split import EdgeSplit, check_edge_split
from gclkit.evaluators.inputs import check_embeddings, check_labels
from gclkit.evaluators.kmeans import sample_size
from gclkit.evaluators.linear_probe import LinearProbe
from gclkit.evaluators.link_prediction import LinkPrediction, LinkScores
from gclkit.evaluators.node_splits import make_splits, splits_hash
from gclkit.evaluators.probe_scores import ProbeScores
from gclkit.evaluators.summary import summarize
from gclkit.graphs.check_graph import check_data, count_nodes
from gclkit.graphs.split import Split

TASKS = ("classification", "clustering", "link_prediction")
Embeddings = Tensor | np.ndarray


@runtime_checkable
class Classifier(Protocol):
    """What :func:`evaluate` asks of a classifier, such as :class:`LinearProbe`."""

    @property
    def protocol(self) -> str:
        """A sentence for the report."""

    def score_splits(
        self, z: Float[Tensor, "n d"], y: Int[Tensor, " n"], splits: Sequence[Split]
    ) -> list[ProbeScores]:
        """Scores of each split."""


def evaluate(
    z: Embeddings | Mapping[int, Embeddings],
    data: Data,
    *,
    tasks: str | Sequence[str] = ("classification",),
    splits: str | Split | Sequence[Split] = "random",
    num_splits: int = 10,
    split_seed: int = 0,
    probe: Classifier | None = None,
    shots: Sequence[int] = (),
    clustering_runs: int = 3,
    restarts: int = 10,
    edge_split: EdgeSplit | Mapping[int, EdgeSplit] | None = None,
    link_prediction: LinkPrediction | None = None,
) -> dict[str, Any]:
    """Scores embeddings on the tasks asked for.

    Args:
        z: Embeddings [n, d], or one such matrix per training seed: ``{seed: z}``; tensors or
            NumPy arrays.
        data: The graph they belong to; classification and clustering read ``y``. A negative
            label marks a class as unknown: no split may hold that node, and nothing is clustered.
        tasks: Of ``"classification"``, ``"clustering"``, ``"link_prediction"``.
        splits: For classification: ``"random"`` (10/10/80), ``"stratified"``, ``"public"``,
            ``"redrawn"`` (:func:`redrawn_split`), ``"<k>-shot"``, or splits. The same ones serve
            every training seed.
        num_splits: How many are drawn.
        split_seed: Seed of the first split; split i takes ``split_seed + i``.
        probe: Classifier. (default: ``LinearProbe()``)
        shots: Labels per class of a learning curve beside it, such as (1, 5, 20).
        clustering_runs: Seeds of k-means, from 0.
        restarts: Starts of each run; the smallest inertia wins.
        edge_split: For link prediction: the split whose training edges alone these embeddings
            were trained on, or one per training seed. There is no score without it. That they
            were is taken on trust, and ``protocol`` says so.
        link_prediction: Decoders and their seed. (default: ``LinkPrediction()``)

    Returns:
        ``{task: {score: summary, …, "split", "protocol"}}``, plain numbers, the ``results`` of a
        ``report.json``; the summaries are those of :func:`summarize`. Beside the scores stand,
        for classification, ``split_hash``, ``confusion`` and ``per_class`` over all runs and
        ``few_labels``; for clustering, ``l2_normalized`` with the scores on unit rows; for link
        prediction, ``hard`` (two-hop negatives), ``by_decoder`` and ``split_hash``.

    Raises:
        ValueError: If a task is unknown, embeddings, labels or splits do not fit the graph, or
            link prediction is asked for without an edge split of this graph.

    Example:
        >>> from gclkit.graphs import load
        >>> data = load("digits", log=None)
        >>> scores = evaluate(data.x, data, num_splits=2)["classification"]
        >>> 0.88 < scores["accuracy"]["mean"] < 0.95
        True
    """
    tasks = (tasks,) if isinstance(tasks, str) else tuple(tasks)
    for task in tasks:
        check_choice("evaluate", "tasks", task, TASKS)
    by_seed = z if isinstance(z, Mapping) else {0: z}
    if not by_seed:
        reject("evaluate", "z", "embeddings of one seed or more", "none")
    num_nodes = count_nodes("evaluate", check_data("evaluate", data))
    matrices = {
        check_seed("evaluate", "seed", seed): check_embeddings("evaluate", rows, num_nodes)
        for seed, rows in by_seed.items()
    }
    probe = LinearProbe() if probe is None else probe
    if not isinstance(probe, Classifier) or isinstance(probe, type):
        got = probe if isinstance(probe, type) else type(probe).__name__
        reject("evaluate", "probe", "a classifier such as LinearProbe()", got)
    if not isinstance(shots, Sequence):
        reject("evaluate", "shots", "a list of integers of at least 1", shots)
    for count in shots:
        check_count("evaluate", "shots", count)
    edge_splits = {
        seed: check_edge_split("evaluate", _of_seed(edge_split, seed), data)
        for seed in matrices
        if "link_prediction" in tasks
    }
    if {"classification", "clustering"} & set(tasks):
        # Classifiers look at the labels of their splits, clustering at all.
        needed = None if "clustering" in tasks else ()
        remedy = "the task 'classification' reads those of its splits alone"
        check_labels("evaluate", data.get("y"), num_nodes, needed, remedy=remedy)
    results: dict[str, Any] = {}
    if "classification" in tasks:
        chosen = make_splits(data, splits, num_splits=num_splits, seed=split_seed)
        results["classification"] = _classification(matrices, data.y, chosen, probe)
        if shots:
            results["classification"]["few_labels"] = {
                str(count): _classification(
                    matrices,
                    data.y,
                    make_splits(data, f"{count}-shot", num_splits=num_splits, seed=split_seed),
                    probe,
                )["accuracy"]
                for count in shots
            }
    if "clustering" in tasks:
        check_count("evaluate", "clustering_runs", clustering_runs)
        results["clustering"] = _clustering(matrices, data, clustering_runs, restarts)
    if "link_prediction" in tasks:
        links = LinkPrediction() if link_prediction is None else link_prediction
        runs = [(seed, links.score(rows, edge_splits[seed])) for seed, rows in matrices.items()]
        section = summarize_links(runs, links)
        # Nobody can tell from embeddings which edges they were trained on.
        section["protocol"] = f"as stated by whoever gave the edge split, {section['protocol']}"
        results["link_prediction"] = section
    return results


def summarize_links(runs: Sequence[tuple[int, LinkScores]], task: LinkPrediction) -> dict[str, Any]:
    """The section ``link_prediction`` of a report from the scores of several training seeds.

    Args:
        runs: Training seed and scores, as :class:`LinkPrediction` returns them.
        task: What scored them.
    """
    found = _collect([(seed, scores.scores) for seed, scores in runs])
    if all(scores.hard for _, scores in runs):
        found["hard"] = _collect([(seed, scores.hard) for seed, scores in runs])
    found["by_decoder"] = {
        name: _collect([(seed, scores.by_decoder[name]) for seed, scores in runs])
        for name in task.decoders
    }
    return {
        **found,
        "decoder": {str(seed): scores.decoder for seed, scores in runs},
        "split": runs[0][1].edge_split.name,
        "split_hash": {str(seed): scores.edge_split.hash for seed, scores in runs},
        "protocol": task.protocol,
    }


def _of_seed(split: EdgeSplit | Mapping[int, EdgeSplit] | None, seed: int) -> Any:
    return split.get(seed) if isinstance(split, Mapping) else split


def _collect(runs: Sequence[tuple[int, Mapping[str, float | None]]]) -> dict[str, Any]:
    """A summary per score over runs of (seed, scores); a run's split is its place in its seed."""
    place: dict[int, int] = {}
    rows: dict[str, list[dict[str, float]]] = {}
    for seed, scores in runs:
        index = place[seed] = place.get(seed, -1) + 1
        for name, value in scores.items():
            if value is not None and math.isfinite(value):
                rows.setdefault(name, []).append({"seed": seed, "split": index, "value": value})
    return {name: summarize(values) for name, values in rows.items()}


def _chosen(scores: object, names: Sequence[str]) -> dict[str, float | None]:
    return {name: getattr(scores, name) for name in names}


def _common_name(names: Sequence[str]) -> str:
    """What splits are called together: published ones are numbered, others may be mixed."""
    if len(names) > 1 and all(re.fullmatch(r"public-\d+", name) for name in names):
        return "public"
    return ", ".join(dict.fromkeys(names))


def _classification(
    matrices: Mapping[int, Tensor], y: Tensor, splits: Sequence[Split], probe: Classifier
) -> dict[str, Any]:
    runs = [
        (seed, scores)
        for seed, z in matrices.items()
        for scores in probe.score_splits(z, y, splits)
    ]
    names = ("accuracy", "micro_f1", "macro_f1", "val_accuracy")
    confusion = torch.stack([scores.confusion for _, scores in runs]).sum(dim=0)
    return {
        **_collect([(seed, _chosen(scores, names)) for seed, scores in runs]),
        "split": _common_name([split.name for split in splits]),
        "num_splits": len(splits),
        "split_hash": splits_hash(splits),
        "protocol": probe.protocol,
        "confusion": confusion.tolist(),
        "per_class": class_report(confusion),
    }


def _clustering(
    matrices: Mapping[int, Tensor], data: Data, num_runs: int, restarts: int
) -> dict[str, Any]:
    names = (
        *("nmi", "ari", "accuracy", "macro_f1", "homogeneity", "silhouette"),
        *("modularity", "conductance"),
    )
    size = sample_size(len(data.y), int(data.y.max()) + 1)
    sample = f", first on a sample of {size} nodes" if size < len(data.y) else ""
    sections = []
    for normalize in (False, True):
        task, runs = KMeansClustering(restarts=restarts, normalize=normalize), []
        for seed, z in matrices.items():
            scored = task.score_seeds(
                z, data.y, data.edge_index, data.get("edge_weight"), seeds=range(num_runs)
            )
            runs += [(seed, _chosen(scores, names)) for scores in scored]
        sections.append({**_collect(runs), "protocol": task.protocol + sample})
    sections[0]["protocol"] += f", k-means seeds 0 to {num_runs - 1}"
    return {**sections[0], "seeds": list(range(num_runs)), "l2_normalized": sections[1]}

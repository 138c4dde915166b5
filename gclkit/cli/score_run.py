"""The scores of a run and of its controls."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch_geometric.data import Data

from gclkit.cli.controls import control_embeddings, control_section, evaluation_control
from gclkit.cli.run_graph import Log
from gclkit.cli.train_seed import train_seed
from gclkit.evaluators import AdamProbe, LinkPrediction, LinkScores, evaluate, summarize_links
from gclkit.reports import RunFolder
from gclkit.training import RunConfig


def score_run(
    config: RunConfig,
    folder: RunFolder,
    data: Data,
    embeddings: dict[int, torch.Tensor],
    *,
    log: Log,
    progress: bool,
    deadline: float | None = None,
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Returns the scores of the embeddings by task, and those of the controls by name.

    Args:
        config: Of the run; it names tasks, splits and controls.
        folder: Of the run; link prediction trains there on a part of the edges.
        data: The graph.
        embeddings: One matrix per seed.
        log: Takes lines for the user.
        progress: Show a progress bar where something is trained.
        deadline: Stop that training, saved, when ``time.monotonic()`` has passed it.
    """
    tasks = [task for task in config.run.tasks if task != "link_prediction"]
    scoring: dict[str, Any] = {
        "tasks": tasks,
        "splits": config.run.splits,
        "num_splits": config.run.num_splits,
    }
    results = evaluate(embeddings, data, **scoring) if tasks else {}
    if config.run.papers_probe and "classification" in tasks:
        # The same embeddings and splits by the classifier behind the published figures.
        classes = {**scoring, "tasks": "classification", "probe": AdamProbe()}
        section = evaluate(embeddings, data, **classes)["classification"]
        results["classification"]["papers_probe"] = section
    baselines: dict[str, dict[str, Any]] = {}
    if tasks:
        # One after the other: those that are features are wide.
        for name in config.run.controls:
            log(f"evaluating the control {name}")
            z = evaluation_control(name, config, data)
            baselines[name] = control_section(evaluate(z, data, **scoring))
    if "link_prediction" in config.run.tasks:
        training = {"log": log, "progress": progress, "deadline": deadline}
        rows = _link_prediction(config, folder, data, training)
        results["link_prediction"] = rows.pop(config.method)
        for name, section in rows.items():
            baselines.setdefault(name, {})["link_prediction"] = section
    return results, baselines


def _link_prediction(
    config: RunConfig, folder: RunFolder, data: Data, training: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Sections by name: the method and the controls, each trained on training edges alone."""
    task = LinkPrediction()
    runs: dict[str, list[tuple[int, LinkScores]]] = {config.method: []}
    for seed in config.run.seeds:
        path = folder.seed_folder(seed) / "link_prediction"

        def train(graph: Data, seed: int = seed, path: Path = path) -> torch.Tensor:
            return train_seed(config, path, graph, seed, **training)[0]

        scores = replace(task, seed=seed)(train, data)
        scores.edge_split.save(path / "edge_split.npz")
        runs[config.method].append((seed, scores))
        seen = scores.edge_split.training_graph(data)
        for name in config.run.controls:
            z = control_embeddings(name, config, seen, seed)
            runs.setdefault(name, []).append((seed, task.score(z, scores.edge_split)))
    return {name: summarize_links(rows, task) for name, rows in runs.items()}

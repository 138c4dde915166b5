"""One run from graph to report: what ``train`` and ``reproduce`` have in common."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch_geometric.data import Data

from gclkit.cli.check_run import check_run
from gclkit.cli.kept_certificate import kept_certificate
from gclkit.cli.run_environment import environment
from gclkit.cli.run_graph import Log, dataset_section, load_graph
from gclkit.cli.score_run import score_run
from gclkit.cli.total_timing import total_timing
from gclkit.cli.train_seed import train_seed
from gclkit.communities import AddCommunities
from gclkit.communities.detecting_once import detecting_once
from gclkit.evaluators import LinearProbe, diagnose, make_splits
from gclkit.graphs.split import has_public_split
from gclkit.reports import RunFolder, write_report, write_yaml
from gclkit.training import RunConfig


def run_experiment(
    config: RunConfig,
    folder: RunFolder,
    *,
    log: Log,
    progress: bool,
    deadline: float | None = None,
) -> dict[str, Any]:
    """Trains every seed, evaluates them beside the controls and writes the run folder.

    Seeds that the folder already holds are read, half-trained ones are resumed; the times of all
    processes add up, and a certificate of a checkpoint that is still there stays in the report.

    Args:
        config: What to run; ``config.run`` names seeds, tasks and splits.
        folder: Where to, taken by this process.
        log: Takes lines for the user.
        progress: Show a progress bar per seed.
        deadline: Stop training, saved, when ``time.monotonic()`` has passed it.

    Returns:
        The content of ``report.json``.
    """
    start = time.perf_counter()
    data = load_graph(config, log=log)
    config = fit_to_graph(config, data, log)
    check_run(config, data, log=log)
    folder.clear()
    write_yaml(folder.config_path, config.to_dict())
    # Communities are of the report, and CSGCL trains on them, once per seed.
    with total_timing(folder, start) as timing, detecting_once():
        log("detecting communities")
        began = time.perf_counter()
        graph = AddCommunities()(data)
        communities_s = time.perf_counter() - began
        embeddings, histories = {}, {}
        for seed in config.run.seeds:
            embeddings[seed], histories[seed] = train_seed(
                config,
                folder.seed_folder(seed),
                data,
                seed,
                log=log,
                progress=progress,
                deadline=deadline,
            )
        log("evaluating")
        first = config.run.seeds[0]
        results, baselines = score_run(
            config, folder, data, embeddings, log=log, progress=progress, deadline=deadline
        )
        epochs = [row["seconds"] for history in histories.values() for row in history]
        report = {
            "schema": 1,
            "status": "complete",
            "method": config.method,
            "regularizer": config.run.regularizer,
            "dataset": dataset_section(config.dataset, data),
            "config": config.to_dict(),
            "seeds": list(config.run.seeds),
            "results": results,
            "baselines": baselines,
            "diagnostics": _diagnose(config, embeddings[first], graph),
            "timing": {
                "communities_s": communities_s,
                "seconds_per_epoch": float(np.median(epochs)),
                **timing(),
            },
            "environment": environment(config),
        }
        certificate = kept_certificate(folder, config.run.seeds)
        if certificate is not None:
            report["certificate"] = certificate
        if config.published and config.run.splits == _usual_splits(data):  # Else no comparison.
            report["published"] = {
                score: {"value": value[0], "source": "the method's paper"}
                for score, value in config.published.items()
            }
        write_report(
            folder.path,
            report,
            history=histories,
            z=embeddings[first].numpy(),
            y=data.y.numpy() if data.get("y") is not None else None,
            community=graph.community.numpy(),
        )
        return report


def fit_to_graph(config: RunConfig, data: Data, log: Log) -> RunConfig:
    """The configuration with what only the graph decides: its splits and possible tasks."""
    run = config.run
    if run.splits == "auto":
        run = replace(run, splits=_usual_splits(data))
    if data.get("y") is None:
        run = replace(run, tasks=[task for task in run.tasks if task == "link_prediction"])
        log("no labels: classification and clustering are left out")
    return replace(config, run=run)


def _usual_splits(data: Data) -> str:
    return "public" if has_public_split(data) else "random"


def _diagnose(config: RunConfig, z: torch.Tensor, graph: Data) -> dict[str, Any]:
    scores = []
    if "classification" in config.run.tasks:
        split = make_splits(graph, config.run.splits, num_splits=1)[0]
        scores = [(split, LinearProbe()(z, graph.y, split))]
    temperature = config.model.get("temperature", 0.5)
    return diagnose(z, graph, temperature=temperature, scores=scores)

"""One run from graph to report: what ``train`` and ``reproduce`` have in common."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch_geometric.data import Data

import gclkit
from gclkit.checks import reject
from gclkit.cli.controls import (
    control_embeddings,
    control_section,
    evaluation_controls,
)
from gclkit.cli.train import CONTROLS
from gclkit.communities import AddCommunities
from gclkit.evaluators import (
    AdamProbe,
    LinearProbe,
    LinkPrediction,
    LinkScores,
    alignment,
    diagnose,
    evaluate,
    make_splits,
    summarize_links,
    uniformity,
)
from gclkit.graphs import dataset_hash, load
from gclkit.methods import Method, TwoViewContrast
from gclkit.regularizers import ProvableTraining
from gclkit.reports import RunFolder, write_report, write_text, write_yaml
from gclkit.training import Callback, RunConfig, TensorBoardLogger, build_method, pretrain
from gclkit.training.memory import check_memory, estimate_training_memory

Log = Callable[[str], None]


def load_graph(config: RunConfig, *, log: Log | None) -> Data:
    """The graph of a run."""
    options = {k: config.run[k] for k in ("root", "features", "labels") if config.run.get(k)}
    return load(config.dataset, log=log, **options)


def run_experiment(
    config: RunConfig,
    folder: RunFolder,
    *,
    log: Log,
    progress: bool,
    deadline: float | None = None,
) -> dict[str, Any]:
    """Trains every seed, evaluates them beside the controls and writes the run folder.

    Seeds that the folder already holds are read, half-trained ones are resumed.

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
    config = _fit_to_graph(config, data, log)
    check_run(config, data)  # What is out of range or too large leaves no folder behind.
    write_yaml(folder.config_path, config.to_dict())
    embeddings, histories = {}, {}
    for seed in config.run["seeds"]:
        embeddings[seed], histories[seed] = _train_seed(
            config,
            folder.seed_folder(seed),
            data,
            seed,
            log=log,
            progress=progress,
            deadline=deadline,
        )
    log("evaluating")
    began = time.perf_counter()
    graph = AddCommunities()(data)
    communities_s = time.perf_counter() - began
    first = config.run["seeds"][0]
    tasks = [task for task in config.run["tasks"] if task != "link_prediction"]
    scoring = {
        "tasks": tasks,
        "splits": config.run["splits"],
        "num_splits": config.run["num_splits"],
    }
    results = evaluate(embeddings, data, **scoring) if tasks else {}
    if config.run.get("papers_probe") and "classification" in tasks:
        # The same embeddings and splits by the classifier behind the published figures.
        classes = {**scoring, "tasks": "classification", "probe": AdamProbe()}
        section = evaluate(embeddings, data, **classes)["classification"]
        results["classification"]["papers_probe"] = section
    baselines: dict[str, dict[str, Any]] = {}
    if tasks:
        for name, z in evaluation_controls(config, data).items():
            baselines[name] = control_section(evaluate(z, data, **scoring))
    if "link_prediction" in config.run["tasks"]:
        rows = _link_prediction(config, folder, data, log=log, progress=progress)
        results["link_prediction"] = rows.pop(config.method)
        for name, section in rows.items():
            baselines.setdefault(name, {})["link_prediction"] = section
    epochs = [row["seconds"] for history in histories.values() for row in history]
    report = {
        "schema": 1,
        "status": "complete",
        "method": config.method,
        "regularizer": config.run.get("regularizer"),
        "dataset": {
            "name": config.dataset,
            "nodes": int(data.num_nodes or 0),
            "edges": data.num_edges // 2,
            "hash": dataset_hash(data),
        },
        "config": config.to_dict(),
        "seeds": list(config.run["seeds"]),
        "results": results,
        "baselines": baselines,
        "diagnostics": _diagnose(config, embeddings[first], graph),
        "timing": {
            "communities_s": communities_s,
            "seconds_per_epoch": float(np.median(epochs)),
            "total_s": time.perf_counter() - start,
            "peak_rss_mb": peak_rss_mb(),
        },
        "environment": environment(config),
    }
    if config.published:
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


def _fit_to_graph(config: RunConfig, data: Data, log: Log) -> RunConfig:
    """The configuration with what only the graph decides: its splits and possible tasks."""
    run = dict(config.run)
    if run["splits"] is None:
        run["splits"] = "public" if "train_mask" in data else "random"
    if data.get("y") is None:
        run["tasks"] = [task for task in run["tasks"] if task == "link_prediction"]
        log("no labels: classification and clustering are left out")
    return replace(config, run=run)


def check_run(config: RunConfig, data: Data, *, log: Log | None = None) -> None:
    """Builds what is to be trained and estimates the memory that training will take.

    Args:
        config: What to run.
        data: The graph.
        log: Takes the lines of the estimate.

    Raises:
        ValueError: If a setting is out of range or the machine has less memory than that.
    """
    method = build_method(config, data.num_features)
    regularizer = build_regularizer(config, method, data)
    device = torch.device(config.run.get("device") or data.edge_index.device)
    estimate = estimate_training_memory(method, data, regularizer=regularizer, device=device)
    if log is not None:
        log("\n".join(estimate.lines()))
    check_memory(estimate, method, data, device)


def _train_seed(
    config: RunConfig,
    folder: Path,
    data: Data,
    seed: int,
    *,
    log: Log,
    progress: bool,
    deadline: float | None = None,
) -> tuple[torch.Tensor, list[dict[str, float]]]:
    done = folder / "embeddings.npy"
    lines = folder / "history.jsonl"
    if done.exists() and lines.exists():
        history = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
        return torch.from_numpy(np.load(done, allow_pickle=False)), history
    log(f"seed {seed}")
    method = build_method(config, data.num_features)
    with ExitStack() as stack:
        result = pretrain(
            method,
            data,
            seed=seed,
            regularizer=build_regularizer(config, method, data),
            checkpoint=folder / "checkpoint.pt",
            every=config.run["every"],
            resume=True,
            callbacks=_callbacks(config, data, folder, stack),
            device=config.run.get("device"),
            progress=progress,
            deadline=deadline,
            **config.training,
        )
    write_text(lines, "".join(json.dumps(row) + "\n" for row in result.history))
    draft = folder / ".embeddings.npy.draft"
    with draft.open("wb") as file:
        np.save(file, result.embeddings.numpy(), allow_pickle=False)
    draft.replace(done)
    return result.embeddings, result.history


def build_regularizer(config: RunConfig, method: Method, data: Data) -> ProvableTraining | None:
    """The regularizer that ``config.run`` asks for, attached to the encoder of a method.

    Raises:
        ValueError: If the method has no two views with known drop rates, or its encoder no bound.
    """
    if config.run.get("regularizer") is None:
        return None
    rates = config.model.get("edge_p")
    if not isinstance(method, TwoViewContrast) or rates is None:
        rule = "left out: the method has no two views of the graph with drop rates 'edge_p'"
        reject("train", "regularizer", rule, config.run["regularizer"])
    return ProvableTraining(
        encoder=method.encoder,
        edge_index=data.edge_index.to(config.run.get("device") or "cpu"),
        num_nodes=int(data.num_nodes or 0),
        p=tuple(rates),
        kappa=config.run["kappa"],
        mode=config.run["pot_mode"],
    )


def _link_prediction(
    config: RunConfig, folder: RunFolder, data: Data, *, log: Log, progress: bool
) -> dict[str, dict[str, Any]]:
    """Sections by name: the method and the controls, each trained on training edges alone."""
    task = LinkPrediction()
    controls = config.run.get("controls") or CONTROLS
    runs: dict[str, list[tuple[int, LinkScores]]] = {config.method: []}
    for seed in config.run["seeds"]:
        path = folder.seed_folder(seed) / "link_prediction"

        def train(graph: Data, seed: int = seed, path: Path = path) -> torch.Tensor:
            return _train_seed(config, path, graph, seed, log=log, progress=progress)[0]

        scores = replace(task, seed=seed)(train, data)
        scores.edge_split.save(path / "edge_split.npz")
        runs[config.method].append((seed, scores))
        seen = scores.edge_split.training_graph(data)
        for name in controls:
            z = control_embeddings(name, config, seen, seed)
            runs.setdefault(name, []).append((seed, task.score(z, scores.edge_split)))
    return {name: summarize_links(rows, task) for name, rows in runs.items()}


def _callbacks(config: RunConfig, data: Data, folder: Path, stack: ExitStack) -> list[Callback]:
    callbacks: list[Callback] = []
    every = config.run.get("evaluate_every")
    if every and data.get("y") is not None:
        callbacks.append(probe_every(every, config, data))
    if config.run.get("tensorboard"):
        callbacks.append(stack.enter_context(closing(TensorBoardLogger(folder / "tensorboard"))))
    return callbacks


def probe_every(every: int, config: RunConfig, graph: Data) -> Callback:
    """A callback that adds validation accuracy, alignment and uniformity to the history."""
    split = make_splits(graph, config.run["splits"], num_splits=1)[0]
    probe = LinearProbe()
    source, target = graph.edge_index
    sample = torch.randperm(int(graph.num_nodes or 0), generator=torch.Generator().manual_seed(0))[
        :2000
    ]

    def callback(epoch: int, record: dict[str, float], method: Method, data: Data) -> None:
        if epoch % every == 0:
            z = method.embed(data).cpu()
            record["val_accuracy"] = probe(z, graph.y, split).val_accuracy
            record["alignment"] = alignment(z[source], z[target])
            record["uniformity"] = uniformity(z[sample])

    return callback


def _diagnose(config: RunConfig, z: torch.Tensor, graph: Data) -> dict[str, Any]:
    scores = []
    if graph.get("y") is not None:
        split = make_splits(graph, config.run["splits"], num_splits=1)[0]
        scores = [(split, LinearProbe()(z, graph.y, split))]
    temperature = config.model.get("temperature", 0.5)
    return diagnose(z, graph, temperature=temperature, scores=scores)


DETERMINISM = {
    "cpu": "bit-identical for one machine, seed and number of threads, also when resumed",
    "other": (
        "not guaranteed bit for bit: index_add of the degrees and the sparse-dense products of the "
        "encoder may add in another order in each run"
    ),
}


def environment(config: RunConfig) -> dict[str, Any]:
    """Versions, device and arithmetic of a run, and what of it repeats bit for bit."""
    kind = torch.device(config.run.get("device") or "cpu").type
    return {
        "gclkit": gclkit.__version__,
        "torch": torch.__version__,
        "device": config.run.get("device") or "cpu",
        "threads": torch.get_num_threads(),
        "precision": config.model.get("precision", "float32"),
        "backend": config.model.get("backend", "auto"),
        "determinism": DETERMINISM["cpu" if kind == "cpu" else "other"],
    }


def peak_rss_mb() -> float:
    """The most memory that this process has held, in MB; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

"""One run from graph to report: what ``train`` and ``reproduce`` have in common."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch_geometric.data import Data

import gclkit
from gclkit.communities import detect
from gclkit.evaluators import LinearProbe, evaluate, make_splits
from gclkit.graphs import dataset_hash, load
from gclkit.methods import Method
from gclkit.reports import RunFolder, write_report, write_text, write_yaml
from gclkit.training import Callback, RunConfig, build_method, pretrain

Log = Callable[[str], None]


def load_graph(config: RunConfig, *, log: Log | None) -> Data:
    """The graph of a run."""
    options = {k: config.run[k] for k in ("root", "features", "labels") if config.run.get(k)}
    return load(config.dataset, log=log, **options)


def run_experiment(
    config: RunConfig, folder: RunFolder, *, log: Log, progress: bool
) -> dict[str, Any]:
    """Trains every seed, evaluates them beside the controls and writes the run folder.

    Seeds that the folder already holds are read, half-trained ones are resumed.

    Args:
        config: What to run; ``config.run`` names seeds, tasks and splits.
        folder: Where to, taken by this process.
        log: Takes lines for the user.
        progress: Show a progress bar per seed.

    Returns:
        The content of ``report.json``.
    """
    start = time.perf_counter()
    data = load_graph(config, log=log)
    write_yaml(folder.config_path, config.to_dict())
    embeddings, histories = {}, {}
    for seed in config.run["seeds"]:
        embeddings[seed], histories[seed] = _train_seed(
            config, folder.seed_folder(seed), data, seed, log=log, progress=progress
        )
    log("evaluating")
    began = time.perf_counter()
    membership = detect(data).membership
    communities_s = time.perf_counter() - began
    scoring = {
        "tasks": tuple(config.run["tasks"]),
        "splits": config.run["splits"],
        "num_splits": config.run["num_splits"],
    }
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
        "results": evaluate(embeddings, data, **scoring),
        "baselines": {
            name: evaluate(z, data, **scoring) for name, z in _controls(config, data).items()
        },
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
    first = config.run["seeds"][0]
    write_report(
        folder.path,
        report,
        history=histories,
        z=embeddings[first].numpy(),
        y=data.y.numpy() if data.get("y") is not None else None,
        community=membership.numpy(),
    )
    return report


def _train_seed(
    config: RunConfig, folder: Path, data: Data, seed: int, *, log: Log, progress: bool
) -> tuple[torch.Tensor, list[dict[str, float]]]:
    done = folder / "embeddings.npy"
    lines = folder / "history.jsonl"
    if done.exists() and lines.exists():
        history = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
        return torch.from_numpy(np.load(done, allow_pickle=False)), history
    log(f"seed {seed}")
    result = pretrain(
        build_method(config, data.num_features),
        data,
        seed=seed,
        checkpoint=folder / "checkpoint.pt",
        every=config.run["every"],
        resume=True,
        callbacks=_callbacks(config, data),
        device=config.run.get("device"),
        progress=progress,
        **config.training,
    )
    write_text(lines, "".join(json.dumps(row) + "\n" for row in result.history))
    draft = folder / ".embeddings.npy.draft"
    with draft.open("wb") as file:
        np.save(file, result.embeddings.numpy(), allow_pickle=False)
    draft.replace(done)
    return result.embeddings, result.history


def _callbacks(config: RunConfig, data: Data) -> list[Callback]:
    every = config.run.get("evaluate_every")
    return [probe_every(every, config, data)] if every and data.get("y") is not None else []


def probe_every(every: int, config: RunConfig, data: Data) -> Callback:
    """A callback that adds the validation accuracy of a linear probe to the history."""
    split = make_splits(data, config.run["splits"], num_splits=1)[0]
    probe = LinearProbe()

    def callback(epoch: int, record: dict[str, float], method: Method, prepared: Data) -> None:
        if epoch % every == 0:
            scores = probe(method.embed(prepared).cpu(), data.y, split)
            record["val_accuracy"] = scores.val_accuracy

    return callback


def _controls(config: RunConfig, data: Data) -> dict[str, Any]:
    x = data.x if data.x.layout == torch.strided else data.x.to_dense()
    untrained = {}
    for seed in config.run["seeds"]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            method = build_method(config, data.num_features)
            method.reset_parameters()
            untrained[seed] = method.embed(data)
    return {"raw_features": x, "untrained_encoder": untrained}


def environment(config: RunConfig) -> dict[str, Any]:
    """Versions, device and arithmetic of a run."""
    return {
        "gclkit": gclkit.__version__,
        "torch": torch.__version__,
        "device": config.run.get("device") or "cpu",
        "threads": torch.get_num_threads(),
        "precision": config.model.get("precision", "float32"),
        "backend": config.model.get("backend", "auto"),
    }


def peak_rss_mb() -> float:
    """The most memory that this process has held, in MB; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

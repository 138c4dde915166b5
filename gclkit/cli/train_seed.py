"""The training of one seed of a run, in a folder where it is resumed."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch
from torch_geometric.data import Data

from gclkit.atomic import replacing
from gclkit.checks import check_device, reject
from gclkit.cli.probe_every import run_callbacks
from gclkit.evaluators import make_splits
from gclkit.evaluators.inputs import check_labels
from gclkit.graphs import dataset_hash, load
from gclkit.methods import Method, TwoViewContrast
from gclkit.methods.diffused_topics import check_topics
from gclkit.regularizers import ProvableTraining
from gclkit.reports import write_text
from gclkit.training import RunConfig, build_method, load_checkpoint, pretrain
from gclkit.training.memory import check_memory, estimate_training_memory
from gclkit.training.training_settings import TrainingSettings

Log = Callable[[str], None]


def load_graph(config: RunConfig, *, log: Log | None) -> Data:
    """The graph of a run."""
    run = config.run
    return load(config.dataset, root=run.root, features=run.features, labels=run.labels, log=log)


def check_run(config: RunConfig, data: Data, *, log: Log | None = None) -> None:
    """Builds what is to be trained, and a split, and estimates the memory of training.

    Args:
        config: What to run.
        data: The graph.
        log: Takes the lines of the estimate.

    Raises:
        ValueError: If a setting is out of range, the graph has no such splits or the machine has
            less memory than that.
    """
    TrainingSettings(**config.training)
    nodes = int(data.num_nodes or 0)
    if "clustering" in config.run.tasks:
        check_labels("train", data.get("y"), nodes)
    if "classification" in config.run.tasks:  # Which looks at the labels of its splits alone.
        check_labels("train", data.get("y"), nodes, splits=())
        splits = make_splits(data, config.run.splits, num_splits=config.run.num_splits)
        check_labels("train", data.y, nodes, splits)
        for split in splits:
            if len(data.y[split.train].unique()) < 2:
                rule = "one whose training nodes are of two classes or more"
                reject("train", "splits", rule, split.name)
    device = check_device("train", config.run.device or data.edge_index.device)
    method = build_method(config, data.num_features)
    if method.topic_neighbors is not None:
        check_topics(config.method, data, method.topic_neighbors, "topic_neighbors")
    regularizer = build_regularizer(config, method, data)
    estimate = estimate_training_memory(method, data, regularizer=regularizer, device=device)
    if log is not None:
        log("\n".join(estimate.lines()))
    check_memory(estimate, method, data, device)


def train_seed(
    config: RunConfig,
    folder: Path,
    data: Data,
    seed: int,
    *,
    log: Log,
    progress: bool,
    deadline: float | None = None,
) -> tuple[torch.Tensor, list[dict[str, float]]]:
    """Returns embeddings and history of a seed: those of the folder, or trained and written there.

    Args:
        config: What to train.
        folder: Of the seed; a half-trained one is resumed.
        data: The graph.
        seed: Of parameters and views.
        log: Takes a line when training starts.
        progress: Show a progress bar.
        deadline: Stop, saved, when ``time.monotonic()`` has passed it.

    Raises:
        ValueError: If what the folder holds was trained on another graph.
    """
    done = folder / "embeddings.npy"
    lines = folder / "history.jsonl"
    checkpoint = folder / "checkpoint.pt"
    # Embeddings of another graph, or of an unknown one, are left to pretrain, which refuses to go
    # on with those and trains these.
    if done.exists() and lines.exists() and _trained_on(data, checkpoint):
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
            checkpoint=checkpoint,
            every=config.run.every,
            resume=True,
            callbacks=run_callbacks(config, data, folder, stack),
            device=config.run.device,
            progress=progress,
            deadline=deadline,
            **config.training,
        )
    write_text(lines, "".join(json.dumps(row) + "\n" for row in result.history))
    with replacing(done) as file:
        np.save(file, result.embeddings.numpy(), allow_pickle=False)
    return result.embeddings, result.history


def _trained_on(data: Data, checkpoint: Path) -> bool:
    try:
        settings = load_checkpoint(checkpoint)["settings"]
    except FileNotFoundError:
        return False
    return settings["data"] == dataset_hash(data)


def build_regularizer(config: RunConfig, method: Method, data: Data) -> ProvableTraining | None:
    """The regularizer that ``config.run`` asks for, attached to the encoder of a method.

    Raises:
        ValueError: If the method has no two views with known drop rates, or its encoder no bound.
    """
    if config.run.regularizer is None:
        return None
    rates = config.model.get("edge_p")
    if not isinstance(method, TwoViewContrast) or rates is None:
        rule = "left out: the method has no two views of the graph with drop rates 'edge_p'"
        reject("train", "regularizer", rule, config.run.regularizer)
    if data.get("edge_weight") is not None:
        rule = "left out: bounds are of graphs without edge weights"
        reject("train", "regularizer", rule, config.run.regularizer)
    return ProvableTraining(
        encoder=method.encoder,
        edge_index=data.edge_index.to(config.run.device or "cpu"),
        num_nodes=int(data.num_nodes or 0),
        p=tuple(rates),
        kappa=config.run.kappa,
        mode=config.run.pot_mode,
    )

"""The training of one seed of a run, in a folder where it is resumed."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import torch
from torch_geometric.data import Data

from gclkit.atomic import replacing
from gclkit.cli.probe_every import probe_every
from gclkit.cli.regularizer import build_regularizer
from gclkit.cli.run_graph import Log
from gclkit.graphs import dataset_hash
from gclkit.reports import write_text
from gclkit.training import (
    Callback,
    RunConfig,
    TensorBoardLogger,
    build_method,
    load_checkpoint,
    pretrain,
)


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

    Damaged embeddings and a damaged history are made again from the checkpoint.

    Raises:
        ValueError: If what the folder holds was trained on another graph.
    """
    done = folder / "embeddings.npy"
    lines = folder / "history.jsonl"
    checkpoint = folder / "checkpoint.pt"
    # Embeddings of another graph, or of an unknown one, are left to pretrain, which refuses to go
    # on with those and trains these.
    if done.exists() and lines.exists() and _trained_on(data, checkpoint):
        found = _read(done, lines)
        if found is not None:
            return found
        log(f"'{done}' or '{lines.name}' is damaged: both are written anew")
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
            callbacks=_callbacks(config, data, folder, stack),
            device=config.run.device,
            progress=progress,
            deadline=deadline,
            **config.training,
        )
    write_text(lines, "".join(json.dumps(row) + "\n" for row in result.history))
    with replacing(done) as file:
        np.save(file, result.embeddings.numpy(), allow_pickle=False)
    return result.embeddings, result.history


def _read(done: Path, lines: Path) -> tuple[torch.Tensor, list[dict[str, float]]] | None:
    """Embeddings and history, or nothing where one of the files is cut off."""
    try:
        history = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
        embeddings = torch.from_numpy(np.load(done, allow_pickle=False))
    except (ValueError, EOFError):
        return None
    return (embeddings, history) if history else None


def _trained_on(data: Data, checkpoint: Path) -> bool:
    try:
        settings = load_checkpoint(checkpoint)["settings"]
    except FileNotFoundError:
        return False
    return settings["data"] == dataset_hash(data)


def _callbacks(config: RunConfig, data: Data, folder: Path, stack: ExitStack) -> list[Callback]:
    """The callbacks that ``config.run`` asks for; what they open is closed with the stack."""
    callbacks: list[Callback] = []
    every = config.run.evaluate_every
    if every is not None:
        callbacks.append(probe_every(every, config, data))
    if config.run.tensorboard:
        callbacks.append(stack.enter_context(closing(TensorBoardLogger(folder / "tensorboard"))))
    return callbacks

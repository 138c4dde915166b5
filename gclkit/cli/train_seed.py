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
from gclkit.reports import write_text
from gclkit.training import (
    Callback,
    RunConfig,
    TensorBoardLogger,
    build_method,
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
    """Trains a seed in its folder, from the checkpoint that is there; writes and returns embeddings
    and history.

    A finished seed takes this way too: its checkpoint is refused where it is of another graph or of
    other settings, and its files are written anew if they were damaged.

    Args:
        config: What to train.
        folder: Of the seed.
        data: The graph.
        seed: Of parameters and views.
        log: Takes a line when training starts.
        progress: Show a progress bar.
        deadline: Stop, saved, when ``time.monotonic()`` has passed it.

    Raises:
        ValueError: If what the folder holds is of another graph or of other settings.
    """
    log(f"seed {seed}")
    method = build_method(config, data.num_features)
    with ExitStack() as stack:
        result = pretrain(
            method,
            data,
            seed=seed,
            regularizer=build_regularizer(config, method, data),
            checkpoint=folder / "checkpoint.pt",
            every=config.run.every,
            resume=True,
            callbacks=_callbacks(config, data, folder, stack),
            device=config.run.device,
            progress=progress,
            deadline=deadline,
            **config.training,
        )
    write_text(folder / "history.jsonl", "".join(json.dumps(row) + "\n" for row in result.history))
    with replacing(folder / "embeddings.npy") as file:
        np.save(file, result.embeddings.numpy(), allow_pickle=False)
    return result.embeddings, result.history


def _callbacks(config: RunConfig, data: Data, folder: Path, stack: ExitStack) -> list[Callback]:
    """The callbacks that ``config.run`` asks for; what they open is closed with the stack."""
    callbacks: list[Callback] = []
    every = config.run.evaluate_every
    if every is not None:
        callbacks.append(probe_every(every, config, data))
    if config.run.tensorboard:
        callbacks.append(stack.enter_context(closing(TensorBoardLogger(folder / "tensorboard"))))
    return callbacks

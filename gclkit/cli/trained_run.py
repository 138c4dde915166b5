"""A run of ``train``, as ``embed`` and ``certify`` take it up."""

from __future__ import annotations

from pathlib import Path

from torch_geometric.data import Data

from gclkit.checks import reject
from gclkit.methods import Method
from gclkit.reports import RunFolder
from gclkit.training import RunConfig, build_method, load_checkpoint, read_config
from gclkit.training.training_settings import TrainingSettings


def read_run(owner: str, folder: Path) -> RunConfig:
    """Reads the configuration of a run, or raises a ``ValueError`` in the name of ``owner``."""
    path = folder / "config.yaml"
    if not path.is_file():
        reject(owner, "run", "a run folder of 'gclkit train'", str(folder))
    return read_config(path)


def trained_method(
    owner: str, folder: Path, config: RunConfig, seed: int, data: Data
) -> tuple[Method, int]:
    """Returns the trained method of one seed, and after how many epochs it was saved.

    Args:
        owner: Verb that the error message names.
        folder: Of the run.
        config: Of the run.
        seed: One of the run's.
        data: What the method is for: a graph with features of the width it was trained on.

    Raises:
        OSError: If the seed has no checkpoint.
        ValueError: If its checkpoint is damaged, of another configuration, or of an epoch before
            the last of a complete run; or if the graph does not fit.
    """
    state = load_checkpoint(folder / f"seed-{seed}" / "checkpoint.pt")
    epochs = TrainingSettings(**config.training).epochs
    if state["epoch"] < epochs and RunFolder(folder).is_complete():
        # The last checkpoint is damaged, and the one before it was read.
        rule = f"of epoch {epochs}, the last of this run; 'gclkit train --resume' trains the rest"
        reject(owner, "checkpoint", rule, f"epoch {state['epoch']}")
    if data.num_features != state["in_channels"]:
        rule = f"a graph with {state['in_channels']} features"
        reject(owner, "dataset", rule, data.num_features)
    method = build_method(config, data.num_features)
    try:
        method.load_state_dict(state["model"])
    except RuntimeError:  # Parameters of other names or shapes.
        rule = f"that of the checkpoint of seed {seed}"
        reject(owner, "config", rule, str(folder / "config.yaml"))
    return method.eval(), state["epoch"]

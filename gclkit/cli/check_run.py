"""What a run asks of its settings, its graph and the machine, before anything is written."""

from __future__ import annotations

import torch
from torch_geometric.data import Data

from gclkit.checks import check_device, reject
from gclkit.cli.choices import CLASSIFY
from gclkit.cli.controls import check_controls
from gclkit.cli.regularizer import build_regularizer
from gclkit.cli.run_graph import Log
from gclkit.evaluators import make_splits
from gclkit.evaluators.inputs import check_labels
from gclkit.methods import COSTA, Method, ProGCL, TwoViewContrast
from gclkit.methods.diffused_topics import check_topics
from gclkit.ops.memory import available_bytes
from gclkit.training import RunConfig, build_method
from gclkit.training.memory import check_memory, estimate_training_memory
from gclkit.training.training_settings import TrainingSettings

# From so many nodes on an epoch of all pairs takes minutes on a CPU.
MANY_NODES = 50_000


def _ignore(line: str) -> None:
    """Takes a line that nobody reads."""


def check_run(config: RunConfig, data: Data, *, log: Log = _ignore, estimate: bool = False) -> None:
    """Builds what is to be trained, and a split, and estimates the memory of training and controls.

    Args:
        config: What to run.
        data: The graph.
        log: Takes lines for the user.
        estimate: Whether the parts of the estimate are among them.

    Raises:
        ValueError: If a setting is out of range, the graph has no such splits or the machine
            lacks the memory.
    """
    epochs = TrainingSettings(**config.training).epochs
    nodes = int(data.num_nodes or 0)
    if "clustering" in config.run.tasks:
        check_labels("train", data.get("y"), nodes, remedy=CLASSIFY)
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
    for name, first in method.delayed_parts().items():
        if first > epochs:
            log(
                f"{config.method}: {epochs} epochs do not reach epoch {first}, where the part of "
                f"the method that '{name}' delays begins"
            )
    if device.type == "cpu" and nodes >= MANY_NODES and _could_draw_anchors(method):
        log(
            f"{config.method}: each epoch compares all pairs of {nodes:,} nodes, minutes on a CPU; "
            "--anchors 1024 draws so many nodes per step, at a fraction of the work"
        )
    check_controls(config, data, available_bytes(torch.device("cpu")))
    needed = estimate_training_memory(method, data, regularizer=regularizer, device=device)
    if estimate:
        log("\n".join(needed.lines()))
    check_memory(needed, method, data, device)


def _could_draw_anchors(method: Method) -> bool:
    pairs = isinstance(method, TwoViewContrast) and not isinstance(method, (COSTA, ProGCL))
    return pairs and method.anchors is None

"""What stands beside every score: embeddings that no contrast has trained."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch_geometric.data import Data

from gclkit.checks import check_choice, reject_size
from gclkit.cli.choices import ALL_CONTROLS
from gclkit.methods import (
    diffused_features,
    diffused_topics,
    features_by_hop,
    propagated_features,
    spectral_embedding,
)
from gclkit.training import RunConfig, build_method

# Controls as wide as the features, or so many times.
_WIDTHS = {
    "raw_features": 1,
    "propagated_features": 1,
    "diffused_features": 1,
    "features_by_hop": 3,
}


def control_embeddings(name: str, config: RunConfig, data: Data, seed: int) -> Float[Tensor, "n d"]:
    """The embeddings of one control.

    Args:
        name: One of :data:`~gclkit.cli.choices.ALL_CONTROLS`.
        config: Of the run, for the encoder without training.
        data: The graph, or the part of it that may be seen.
        seed: Of the parameters of the encoder and the start of the spectral iteration.

    Raises:
        ValueError: For another name.
    """
    match check_choice("train", "controls", name, ALL_CONTROLS):
        case "raw_features":
            return data.x if data.x.layout == torch.strided else data.x.to_dense()
        case "propagated_features":
            return propagated_features(data)
        case "diffused_features":
            return diffused_features(data)
        case "diffused_topics":
            neighbors = config.model.get("topic_neighbors")
            return diffused_topics(data, neighbors=10 if neighbors is None else neighbors)
        case "features_by_hop":
            return features_by_hop(data)
        case "spectral_embedding":
            return spectral_embedding(data, seed=seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        method = build_method(config, data.num_features)
        method.reset_parameters()
        return method.embed(data)


def control_section(results: dict[str, Any]) -> dict[str, Any]:
    """The section of a control in a report: scores on nodes at the top, other tasks by name."""
    others = {task: scores for task, scores in results.items() if task != "classification"}
    return {**results.get("classification", {}), **others}


def evaluation_control(
    name: str, config: RunConfig, data: Data
) -> Float[Tensor, "n d"] | dict[int, Float[Tensor, "n d"]]:
    """What is scored of a control: its embeddings, or those of each seed if the seed matters."""
    seeds = config.run.seeds
    if name == "untrained_encoder":
        return {seed: control_embeddings(name, config, data, seed) for seed in seeds}
    return control_embeddings(name, config, data, seeds[0])


def check_controls(config: RunConfig, data: Data, available: float) -> None:
    """Raises a ``ValueError`` if the features that are controls do not fit into memory.

    Args:
        config: Of the run.
        data: The graph.
        available: Bytes that there are.
    """
    others = " ".join(name for name in config.run.controls if name not in _WIDTHS)
    advice = f"choose others with --controls, such as {others or 'untrained_encoder'}"
    for name in config.run.controls:
        check_control("train", name, data, available, advice)


def check_control(owner: str, name: str, data: Data, available: float, advice: str) -> None:
    """Raises a ``ValueError`` if a control that is features does not fit into memory.

    It is dense there, beside features that are so already, and its scores take two further copies.
    """
    n, f = data.x.shape
    width = _WIDTHS.get(name, 0) * f
    there = f if name == "raw_features" and data.x.layout == torch.strided else 0
    if (needed := (3 * width - there) * n * data.x.element_size()) > available:
        reject_size(owner, needed, f"the control {name}, {n} x {width} dense", advice)

"""The regularizer of a run."""

from __future__ import annotations

from torch_geometric.data import Data

from gclkit.checks import reject
from gclkit.methods import Method, TwoViewContrast
from gclkit.regularizers import ProvableTraining
from gclkit.training import RunConfig


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
        num_anchors=config.run.pot_anchors,
    )

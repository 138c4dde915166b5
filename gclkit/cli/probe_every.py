"""What is measured while a run trains."""

from __future__ import annotations

import torch
from torch_geometric.data import Data

from gclkit.evaluators import LinearProbe, make_splits, neighbor_alignment, uniformity
from gclkit.methods import Method
from gclkit.training import Callback, RunConfig


def probe_every(every: int, config: RunConfig, graph: Data) -> Callback:
    """A callback that adds alignment, uniformity and, where classification is a task, validation
    accuracy to the history.
    """
    split = None
    if graph.get("y") is not None and "classification" in config.run.tasks:
        split = make_splits(graph, config.run.splits, num_splits=1)[0]
    probe = LinearProbe()
    sample = torch.randperm(int(graph.num_nodes or 0), generator=torch.Generator().manual_seed(0))[
        :2000
    ]

    def callback(epoch: int, record: dict[str, float], method: Method, data: Data) -> None:
        if epoch % every == 0:
            z = method.embed(data).cpu()
            if split is not None:
                record["val_accuracy"] = probe(z, graph.y, split).val_accuracy
            record["alignment"] = neighbor_alignment(z, graph.edge_index)
            record["uniformity"] = uniformity(z[sample])

    return callback

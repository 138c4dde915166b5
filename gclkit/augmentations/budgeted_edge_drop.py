"""Edge dropping that stays inside the set which a certified bound speaks of."""

from __future__ import annotations

import torch
from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform

from gclkit.augmentations.edge_drop import keep_edges
from gclkit.bounds import EdgeDropSet, draw_view
from gclkit.checks import check_probability
from gclkit.graphs.check_graph import check_edge_index


class BudgetedEdgeDrop(BaseTransform):
    r"""Drops edges in random order while both ends have a budget left.

    Node :math:`i` loses at most :math:`\delta_i = \min(\max(d_i - 1, 0),
    \mathrm{round}(p\, d_i))` edges, so every view lies in the set of
    :func:`gclkit.bounds.node_compactness` with the same :obj:`p`, which views of plain
    Bernoulli dropping leave. Both directions of an edge vanish together; no node loses its
    last edge. The realised rate is below :obj:`p`, by much on sparse graphs: an edge needs a
    budget at both ends, and rounding leaves nodes of small degree without one.

    Args:
        p: Drop rate in [0, 1] that sets the budgets.
        generator: Source of randomness, on the device of the graph. Leave it out where worker
            processes call the transform: each draws from a copy of the same state, in every
            epoch anew. (default: the global generator)
    """

    def __init__(self, p: float, *, generator: torch.Generator | None = None) -> None:
        self.p = check_probability("BudgetedEdgeDrop", "p", p)
        self.generator = generator

    def forward(self, data: Data) -> Data:
        """The view; edge attributes are carried along.

        Raises:
            ValueError: If the graph is directed or holds self-loops or duplicates.
        """
        edge_index = check_edge_index("BudgetedEdgeDrop", data)
        drops = EdgeDropSet(edge_index, data.num_nodes, self.p, owner="BudgetedEdgeDrop")
        kept = draw_view(drops, self.generator)
        source, target = edge_index
        position = torch.searchsorted(drops.keys, target * drops.num_nodes + source)
        return keep_edges(data, kept[position])

    def __repr__(self) -> str:
        return f"BudgetedEdgeDrop(p={self.p})"

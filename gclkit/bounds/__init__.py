"""Sound bounds through a graph encoder."""

from gclkit.bounds.compactness import node_compactness
from gclkit.bounds.edge_drop_set import EdgeDropSet, edge_budget
from gclkit.bounds.targets import target_vectors
from gclkit.bounds.views import draw_view, greedy_view

__all__ = [
    "EdgeDropSet",
    "draw_view",
    "edge_budget",
    "greedy_view",
    "node_compactness",
    "target_vectors",
]

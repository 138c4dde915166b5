"""Community structure found in the graph, and how strong each community is."""

from gclkit.communities.add_communities import AddCommunities, feature_scores
from gclkit.communities.detect import detect
from gclkit.communities.partition import Partition
from gclkit.communities.strength import community_strength, edge_scores, node_strength

__all__ = [
    "AddCommunities",
    "Partition",
    "community_strength",
    "detect",
    "edge_scores",
    "feature_scores",
    "node_strength",
]

"""Graph in, view out: augmentations as PyG transforms, with their probabilities as functions."""

from gclkit.augmentations.adaptive_edge_drop import AdaptiveEdgeDrop, adaptive_drop_probability
from gclkit.augmentations.adaptive_feature_mask import AdaptiveFeatureMask
from gclkit.augmentations.add_centrality import AddCentrality, drop_weight, feature_centrality
from gclkit.augmentations.budgeted_edge_drop import BudgetedEdgeDrop
from gclkit.augmentations.centrality import (
    degree_centrality,
    eigenvector_centrality,
    lazy_walk_centrality,
    pagerank,
)
from gclkit.augmentations.communal_attribute_voting import (
    CommunalAttributeVoting,
    communal_drop_probability,
)
from gclkit.augmentations.communal_edge_dropping import (
    CommunalEdgeDropping,
    communal_keep_probability,
)
from gclkit.augmentations.diffusion import Diffusion, diffusion_view, personalized_pagerank
from gclkit.augmentations.edge_drop import EdgeDrop
from gclkit.augmentations.feature_mask import FeatureMask
from gclkit.augmentations.feature_shuffle import FeatureShuffle, permute_rows

__all__ = [
    "AdaptiveEdgeDrop",
    "AdaptiveFeatureMask",
    "AddCentrality",
    "BudgetedEdgeDrop",
    "CommunalAttributeVoting",
    "CommunalEdgeDropping",
    "Diffusion",
    "EdgeDrop",
    "FeatureMask",
    "FeatureShuffle",
    "adaptive_drop_probability",
    "communal_drop_probability",
    "communal_keep_probability",
    "degree_centrality",
    "diffusion_view",
    "drop_weight",
    "eigenvector_centrality",
    "feature_centrality",
    "lazy_walk_centrality",
    "pagerank",
    "permute_rows",
    "personalized_pagerank",
]

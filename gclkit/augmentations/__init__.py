"""Graph in, view out: augmentations as PyG transforms, with their probabilities as functions."""

from gclkit.augmentations.communal_attribute_voting import (
    CommunalAttributeVoting,
    communal_drop_probability,
)
from gclkit.augmentations.communal_edge_dropping import (
    CommunalEdgeDropping,
    communal_keep_probability,
)
from gclkit.augmentations.edge_drop import EdgeDrop
from gclkit.augmentations.feature_mask import FeatureMask

__all__ = [
    "CommunalAttributeVoting",
    "CommunalEdgeDropping",
    "EdgeDrop",
    "FeatureMask",
    "communal_drop_probability",
    "communal_keep_probability",
]

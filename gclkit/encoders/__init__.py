"""View in, embeddings out."""

from gclkit.encoders.adjacency import gcn_adjacency
from gclkit.encoders.encode_views import encode_views, view_features
from gclkit.encoders.gcn_conv import GCNConv
from gclkit.encoders.gnn_encoder import GCNEncoder, GNNEncoder
from gclkit.encoders.projector import Projector

__all__ = [
    "GCNConv",
    "GCNEncoder",
    "GNNEncoder",
    "Projector",
    "encode_views",
    "gcn_adjacency",
    "view_features",
]

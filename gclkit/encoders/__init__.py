"""View in, embeddings out."""

from gclkit.encoders.adjacency import gcn_adjacency
from gclkit.encoders.gcn_conv import GCNConv
from gclkit.encoders.gnn_encoder import GCNEncoder, GNNEncoder
from gclkit.encoders.projector import Projector

__all__ = ["GCNConv", "GCNEncoder", "GNNEncoder", "Projector", "gcn_adjacency"]

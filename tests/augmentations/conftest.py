import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.utils import coalesce, to_undirected


@pytest.fixture
def graph():
    """100 nodes, weighted edges, one edge attribute of two columns and scores as of CSGCL."""
    generator = torch.Generator().manual_seed(0)
    pairs = (torch.rand(100, 100, generator=generator).triu(1) > 0.8).nonzero().T
    edge_index = coalesce(to_undirected(pairs))
    edges = edge_index.size(1)
    low, high = edge_index.sort(dim=0).values
    score = torch.rand(100, 100, generator=generator)[low, high]
    return Data(
        x=torch.randn(100, 40, generator=generator),
        edge_index=edge_index,
        edge_weight=torch.arange(1, edges + 1).float(),
        edge_attr=torch.randn(edges, 2, generator=generator),
        edge_score=score,
        edge_score_mean=score.mean(),
        feature_score=torch.rand(1, 40, generator=generator) + 0.01,
        y=torch.arange(100) % 3,
    )

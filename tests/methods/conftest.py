import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.utils import coalesce, to_undirected


@pytest.fixture
def graph():
    """Three communities of twelve nodes with noisy indicator features."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(36) // 12
    rate = torch.where(y[:, None] == y, 0.5, 0.05)
    pairs = (torch.rand(36, 36, generator=generator) < rate).triu(1).nonzero().T
    x = torch.nn.functional.one_hot(y, 8).float() + 0.5 * torch.rand(36, 8, generator=generator)
    return Data(x=x, edge_index=coalesce(to_undirected(pairs, num_nodes=36)), y=y)

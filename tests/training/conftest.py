import signal

import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.utils import coalesce, to_undirected

from gclkit.methods import CSGCL


@pytest.fixture
def graph():
    """Three communities of twenty nodes with informative features."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(60) // 20
    rate = torch.where(y[:, None] == y, 0.4, 0.03)
    pairs = (torch.rand(60, 60, generator=generator) < rate).triu(1).nonzero().T
    x = torch.nn.functional.one_hot(y, 9).float() + 0.5 * torch.rand(60, 9, generator=generator)
    return Data(x=x, edge_index=coalesce(to_undirected(pairs, num_nodes=60)), y=y)


@pytest.fixture
def method():
    return CSGCL(9, out_channels=6, projection_channels=5, activation="rrelu", gamma_start=4)


@pytest.fixture(autouse=True)
def interrupts():
    """A suite that a shell has put in the background starts with Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)

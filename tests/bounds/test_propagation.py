import pytest
import torch
from torch import nn
from torch_geometric.nn import GCNConv, GINConv, SAGEConv

from gclkit.bounds.propagation import gcn, gin_sum, sage_mean

EPSILON = torch.tensor(-0.35, dtype=torch.float64)
KINDS = {
    "GCN": (gcn(), lambda: GCNConv(4, 3, bias=False)),
    "SAGE": (sage_mean(), lambda: SAGEConv(4, 3, bias=False, root_weight=False)),
    "GIN": (gin_sum(EPSILON), lambda: GINConv(nn.Linear(4, 3, bias=False), eps=-0.35)),
}


@pytest.mark.parametrize("name", KINDS)
@torch.no_grad()
def test_the_factors_make_the_layer(name, make_graph):
    """With a node that has no neighbours at the end."""
    propagation, make = KINDS[name]
    conv = make().double()
    x, edge_index, _ = make_graph([8, 1], density=0.5, channels=(4, 2), seed=1)
    adjacency = torch.zeros(9, 9).double()
    adjacency[edge_index[1], edge_index[0]] = 1
    d = adjacency.sum(1)
    matrix = propagation.row(d)[:, None] * adjacency * propagation.column(d)
    if name != "SAGE":
        matrix = matrix + torch.diag(propagation.root(d))
    weight = next(conv.parameters()).t()
    torch.testing.assert_close(matrix @ x @ weight, conv(x, edge_index))
    assert propagation.name == name


@pytest.mark.parametrize("name", KINDS)
def test_factors_do_not_fall_with_fewer_edges(name):
    propagation, _ = KINDS[name]
    degree = torch.arange(1, 40).double()
    for factor in (propagation.row(degree), propagation.column(degree)):
        assert (factor > 0).all() and (factor[:-1] >= factor[1:]).all()


def test_epsilon_keeps_its_gradient():
    epsilon = EPSILON.clone().requires_grad_()
    root = gin_sum(epsilon).root(torch.tensor([2.0, 5.0, 3.0]).double())
    torch.testing.assert_close(root.detach(), torch.full((3,), 0.65).double())
    (root * torch.tensor([0.5, -2.0, 4.0])).sum().backward()
    assert float(epsilon.grad) == pytest.approx(2.5)

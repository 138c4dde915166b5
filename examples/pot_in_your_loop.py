"""Provable training (POT) in a training loop of your own: three added lines, marked POT.

A plain PyTorch and PyG loop of GRACE. At the end both runs are certified: the share of nodes
whose compactness is proved positive for every allowed view, with POT and without.

    python examples/pot_in_your_loop.py --epochs 60
"""

import argparse

import torch
import torch.nn.functional as F
from torch import nn
from torch_geometric.nn import GCNConv
from torch_geometric.utils import dropout_edge

import gclkit.graphs
from gclkit.bounds import certify
from gclkit.regularizers import ProvableTraining  # POT

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--dataset", default="digits", help="a name that gclkit.graphs.load knows")
parser.add_argument("--root", default="datasets", help="where datasets lie")
parser.add_argument("--epochs", type=int, default=60)
parser.add_argument("--kappa", type=float, default=0.4)
args = parser.parse_args()

data = gclkit.graphs.load(args.dataset, root=args.root)
x, edge_index, n = data.x.to_dense(), data.edge_index, data.num_nodes
P = (0.3, 0.4)


def contrast(h1, h2, temperature=0.5):
    """One direction of InfoNCE, with the other nodes of both views as negatives."""
    within, between = (h1 @ h1.T / temperature).exp(), (h1 @ h2.T / temperature).exp()
    others = within.sum(1) - within.diagonal() + between.sum(1)
    return -(between.diagonal() / others).log().mean()


def train(kappa):
    torch.manual_seed(0)
    conv1, conv2, act = GCNConv(x.shape[1], 128), GCNConv(128, 128), nn.ReLU()
    projector = nn.Sequential(nn.Linear(128, 64), nn.ELU(), nn.Linear(64, 128))
    layers = [(conv1, act), (conv2, act)]
    # POT:
    pot = ProvableTraining(
        layers=layers, edge_index=edge_index, num_nodes=n, p=P, kappa=kappa
    )  # POT
    modules = nn.ModuleList([conv1, conv2, projector])
    optimizer = torch.optim.Adam(modules.parameters(), lr=1e-3, weight_decay=1e-5)
    for _ in range(args.epochs):
        edges = [dropout_edge(edge_index, p, force_undirected=True)[0] for p in P]
        z1, z2 = (act(conv2(act(conv1(x, e)), e)) for e in edges)
        h1, h2 = F.normalize(projector(z1)), F.normalize(projector(z2))
        loss = (contrast(h1, h2) + contrast(h2, h1)) / 2
        loss = pot(loss, (x, edges[0], z1), (x, edges[1], z2))  # POT
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return layers


for kappa in (0.0, args.kappa):
    settings = {"p": 0.4, "num_nodes": 50, "tightness": "budget", "num_views": 10, "rounds": 2}
    certificate = certify(train(kappa), x, edge_index, **settings)
    share = 100 * certificate.certified_share
    print(f"kappa {kappa}: {share:.0f} % certified, mean norm {certificate.norm:.2f}")

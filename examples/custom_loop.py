"""The parts of gclkit by hand, in a plain PyTorch loop of your own.

python examples/custom_loop.py
"""

import argparse

import torch

from gclkit.augmentations import CommunalEdgeDropping, FeatureMask
from gclkit.communities import AddCommunities
from gclkit.encoders import GCNEncoder, Projector
from gclkit.evaluators import LinearProbe
from gclkit.graphs import load, random_split
from gclkit.losses import infonce

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--epochs", type=int, default=60)
args = parser.parse_args()

torch.manual_seed(0)
data = AddCommunities(seed=0)(load("digits"))
drop, mask = CommunalEdgeDropping(p=0.3), FeatureMask(p=0.2)
encoder = GCNEncoder(data.num_features, 64, activation="prelu")
projector = Projector(64, 64)
parameters = [*encoder.parameters(), *projector.parameters()]
optimizer = torch.optim.Adam(parameters, lr=1e-3)

for epoch in range(1, args.epochs + 1):
    first, second = mask(drop(data)), mask(drop(data))
    h1 = projector(encoder(first.x, first.edge_index))
    h2 = projector(encoder(second.x, second.edge_index))
    loss = infonce(h1, h2, temperature=0.5)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 20 == 0:
        print(f"epoch {epoch}: loss {loss.item():.4f}")

with torch.no_grad():
    z = encoder(data.x, data.edge_index)
split = random_split(data.num_nodes, seed=0)
print(f"accuracy {100 * LinearProbe()(z, data.y, split).accuracy:.2f} %")

"""Seconds per epoch of CSGCL or GRACE: gclkit against a plain restatement, in one run.

The restatement is what one writes from the paper: PyG's GCNConv on each view, the loss by its
dense formula, everything else the same. Both take turns, epoch by epoch, so that a machine that
slows down slows both; the ratio is that of the medians.

    python examples/benchmarks/bench_training_step.py --dataset photo --method csgcl
"""

import argparse
import copy
import csv
import platform
import statistics
import sys
import time

import torch
import torch.nn.functional as F
import torch_geometric.nn as pyg

from gclkit.graphs import load
from gclkit.training import build_method, resolve_config

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--dataset", default="photo")
parser.add_argument("--root")
parser.add_argument("--method", default="csgcl", choices=["csgcl", "grace"])
parser.add_argument("--epochs", type=int, default=7, help="epochs of each; the median counts")
parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
parser.add_argument("--anchors", type=int)
parser.add_argument("--memory-budget", type=int)
args = parser.parse_args()


class PlainEncoder(torch.nn.Module):
    """Two gather-scatter convolutions with the parameters of an encoder of gclkit."""

    def __init__(self, encoder):
        super().__init__()
        self.convs = torch.nn.ModuleList(
            pyg.GCNConv(c.in_channels, c.out_channels) for c in encoder.convs
        )
        self.norms, self.activations = copy.deepcopy(encoder.norms), encoder.activations
        for mine, other in zip(self.convs, encoder.convs, strict=True):
            mine.load_state_dict(other.state_dict())

    def forward(self, x, edge_index, edge_weight=None):
        for conv, norm, activation in zip(self.convs, self.norms, self.activations, strict=True):
            x = activation(norm(conv(x, edge_index, edge_weight)))
        return x


def plain_loss(h1, h2, temperature):
    h1, h2 = F.normalize(h1), F.normalize(h2)

    def one_way(a, b):
        within = torch.exp(a @ a.T / temperature)
        between = torch.exp(a @ b.T / temperature)
        total = within.sum(1) + between.sum(1) - within.diag()
        return -torch.log(between.diag() / total)

    return ((one_way(h1, h2) + one_way(h2, h1)) / 2).mean()


data = load(args.dataset, root=args.root)
dense = data.clone()
if dense.x.layout != torch.strided:
    dense.x = dense.x.to_dense()
config = resolve_config(args.method, args.dataset)
options = {"anchors": args.anchors, "precision": args.precision}
options["memory_budget"] = args.memory_budget
torch.manual_seed(0)
ours = build_method(resolve_config(args.method, args.dataset, model=options), data.num_features)
plain = build_method(config, data.num_features)
plain.encoder = PlainEncoder(ours.encoder)
plain.projector.load_state_dict(ours.projector.state_dict())
plain.contrast = lambda h1, h2, batch, epoch: plain_loss(h1, h2, plain.temperature)
generators = [torch.Generator().manual_seed(1) for _ in range(2)]
graphs = [ours.prepare(data, generators[0]), plain.prepare(dense, generators[1])]
optimizers = [torch.optim.Adam(m.parameters(), lr=1e-3) for m in (ours, plain)]


def epoch(which, number):
    method = (ours, plain)[which]
    start = time.perf_counter()
    loss = method.step(graphs[which], number).loss
    optimizers[which].zero_grad()
    loss.backward()
    optimizers[which].step()
    return time.perf_counter() - start, loss.item()


first = [epoch(which, 1)[1] for which in (0, 1)]
times = [[epoch(which, 2 + i)[0] for which in (0, 1)] for i in range(args.epochs)]
seconds = [statistics.median(column) for column in zip(*times, strict=True)]
rows = csv.writer(sys.stdout)
rows.writerow("dataset method precision anchors seconds plain_seconds ratio loss plain_loss "
              "threads torch cpu".split())  # fmt: skip
rows.writerow(
    [
        args.dataset, args.method, args.precision, args.anchors or "all", f"{seconds[0]:.3f}",
        f"{seconds[1]:.3f}", f"{seconds[1] / seconds[0]:.2f}", f"{first[0]:.5f}",
        f"{first[1]:.5f}", torch.get_num_threads(), torch.__version__,
        platform.processor() or platform.machine(),
    ]
)  # fmt: skip

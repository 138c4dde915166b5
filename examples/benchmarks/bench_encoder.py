"""A two-layer GCN encoder, one view, forward and backward: gclkit against PyG's GCNConv.

python examples/benchmarks/bench_encoder.py --dataset photo
"""

import argparse
import csv
import statistics
import sys
import time

import torch
import torch_geometric.nn as pyg

from gclkit.augmentations import EdgeDrop
from gclkit.encoders import GCNEncoder
from gclkit.graphs import load

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--dataset", default="photo")
parser.add_argument("--root")
parser.add_argument("--out-channels", type=int, default=256)
parser.add_argument("--repeats", type=int, default=9)
args = parser.parse_args()

data = load(args.dataset, root=args.root)
view = EdgeDrop(0.3, generator=torch.Generator().manual_seed(0))(data)
dense = view.x if view.x.layout == torch.strided else view.x.to_dense()
ours = GCNEncoder(data.num_features, args.out_channels)
theirs = torch.nn.ModuleList(pyg.GCNConv(c.in_channels, c.out_channels) for c in ours.convs)
for mine, other in zip(theirs, ours.convs, strict=True):
    mine.load_state_dict(other.state_dict())


def gather_scatter(x, edge_index):
    for conv in theirs:
        x = conv(x, edge_index).relu()
    return x


def seconds(forward, x):
    start = time.perf_counter()
    forward(x, view.edge_index).square().sum().backward()
    return time.perf_counter() - start


pairs = [(seconds(ours, view.x), seconds(gather_scatter, dense)) for _ in range(args.repeats + 2)]
mine, plain = (statistics.median(column) for column in zip(*pairs[2:], strict=True))
rows = csv.writer(sys.stdout)
rows.writerow(["dataset", "seconds", "pyg_seconds", "ratio", "threads", "torch"])
row = [args.dataset, f"{mine:.3f}", f"{plain:.3f}", f"{plain / mine:.2f}"]
rows.writerow([*row, torch.get_num_threads(), torch.__version__])

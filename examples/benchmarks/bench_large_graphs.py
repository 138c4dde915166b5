"""What evaluation of large graphs saves, beside the same without it, in one run.

python examples/benchmarks/bench_large_graphs.py --points 200000 --nodes 25000

k-means of planted clusters whose starts run on a sample first, or on all points; the silhouettes
of three clusterings together, or one by one; the 128 leading eigenvectors of an sbm by LOBPCG
(residuals of 2e-3), or by Lanczos' iteration (ARPACK, residuals of 1e-6). Seconds are those of the
processor.
"""

import argparse
import csv
import importlib
import platform
import sys
import time

import torch

from gclkit.encoders.adjacency import gcn_adjacency
from gclkit.evaluators import kmeans
from gclkit.evaluators.partition_scores import nmi, silhouette, silhouettes
from gclkit.graphs import load

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--points", type=int, default=200_000)
parser.add_argument("--clusters", type=int, default=10)
parser.add_argument("--noise", type=float, default=6.0, help="deviation; that of centers is 1")
parser.add_argument("--features", type=int, default=2000, help="width, for the silhouettes")
parser.add_argument("--nodes", type=int, default=25_000, help="of the sbm, above 20,000")
args = parser.parse_args()

rows = csv.writer(sys.stdout)
rows.writerow("operation,seconds,value,shape,torch,threads,device".split(","))


def row(operation, shape, function, value):
    start = time.process_time()
    result = function()
    seconds = f"{time.process_time() - start:.2f}"
    device = platform.processor() or platform.machine()
    facts = ("x".join(map(str, shape)), torch.__version__, torch.get_num_threads(), device)
    rows.writerow([operation, seconds, value(result), *facts])
    sys.stdout.flush()


generator = torch.Generator().manual_seed(0)
y = torch.arange(args.points) % args.clusters
x = torch.randn(args.clusters, 128, generator=generator)[y]
x += args.noise * torch.randn(args.points, 128, generator=generator)
module = importlib.import_module("gclkit.evaluators.kmeans")
for name, sample in (("a sample first", module._SAMPLE), ("all points", args.points)):
    module._SAMPLE = sample
    row(
        f"k-means, 10 restarts, {name}: inertia; NMI",
        x.shape,
        lambda: kmeans(x, args.clusters),
        lambda fit: f"{fit.inertia:.7g}; {nmi(y, fit.labels):.4f}",
    )

z = torch.randn(10_000, args.features, generator=generator)
parts = [torch.randint(10, (len(z),), generator=generator) for _ in range(3)]
row("3 silhouettes together", z.shape, lambda: silhouettes(z, parts), lambda found: found[0])
row("3 silhouettes alone", z.shape, lambda: [silhouette(z, part) for part in parts], lambda s: s[0])

graph = load("sbm", num_nodes=args.nodes, log=None)
matrix = gcn_adjacency(graph.edge_index, None, args.nodes, dtype=torch.float64)
module = importlib.import_module("gclkit.methods.leading_eigenvectors")
for name, most in (("LOBPCG", module._LANCZOS_NODES), ("Lanczos", args.nodes)):
    module._LANCZOS_NODES = most
    row(
        f"eigenvectors, {name}: sum of eigenvalues",
        matrix.shape,
        lambda: module.leading_eigenvectors(matrix, 128),
        lambda pair: f"{float(pair[0].sum()):.5f}",
    )

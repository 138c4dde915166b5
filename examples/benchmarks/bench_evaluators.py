"""Seconds and accuracy of the linear probe and of k-means, beside scikit-learn and Adam.

python examples/benchmarks/bench_evaluators.py --embeddings embeddings.npy --dataset photo

Without --embeddings an untrained GCN makes them (256 columns). Probe rows: 20 splits x 5
strengths at once; scikit-learn's optimum of the same problems for the first splits; one split by
3,000 full-batch Adam steps (lr .01) at the strength that the probe chose for it.
"""

import argparse
import csv
import platform
import statistics
import sys
import time

import torch
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression

from gclkit.encoders import GCNEncoder
from gclkit.evaluators import LinearProbe, kmeans, read_embeddings
from gclkit.evaluators.linear_probe import scale_embeddings
from gclkit.evaluators.partition_scores import nmi
from gclkit.graphs import load, random_split

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--embeddings")
parser.add_argument("--dataset", default="photo")
parser.add_argument("--splits", type=int, default=20)
parser.add_argument("--reference-splits", type=int, default=3, help="by scikit-learn, slow")
parser.add_argument("--repeats", type=int, default=3)
parser.add_argument("--kmeans-seeds", type=int, default=5)
args = parser.parse_args()

data = load(args.dataset, log=None)
if args.embeddings:
    z = read_embeddings(args.embeddings, data.num_nodes)
else:
    torch.manual_seed(0)
    with torch.no_grad():
        z = GCNEncoder(data.num_features, 256)(data.x, data.edge_index)
y = data.y
splits = [random_split(len(y), seed=seed) for seed in range(args.splits)]
rows = csv.writer(sys.stdout)
rows.writerow("operation,seconds,value,dataset,shape,torch,threads,device".split(","))
device = platform.processor() or platform.machine()


def row(operation: str, seconds: float, value: str) -> None:
    shape = "x".join(map(str, z.shape))
    facts = (args.dataset, shape, torch.__version__, torch.get_num_threads(), device)
    rows.writerow([operation, f"{seconds:.3f}", value, *facts])
    sys.stdout.flush()


def timed(function):
    """Result and least seconds of several calls after a first one that warms up."""
    result, best = function(), float("inf")
    for _ in range(args.repeats):
        start = time.perf_counter()
        result = function()
        best = min(best, time.perf_counter() - start)
    return result, best


probe = LinearProbe(strengths=(0.01, 0.1, 1.0, 10.0, 100.0))
scores, seconds = timed(lambda: probe.score_splits(z, y, splits))
mean = sum(score.accuracy for score in scores) / len(scores)
row(f"probe: {args.splits} splits x {len(probe.strengths)} strengths", seconds, f"{mean:.4f}")

x = scale_embeddings(z, probe.scaling)
train, labels = x[splits[0].train], y[splits[0].train]
start = time.perf_counter()
weight = torch.zeros(x.size(1), int(y.max()) + 1, requires_grad=True)
bias = torch.zeros(int(y.max()) + 1, requires_grad=True)
optimizer = torch.optim.Adam([weight, bias], lr=0.01)
decay = 0.5 / (scores[0].strength * len(train))
for _ in range(3000):
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(train @ weight + bias, labels)
    (loss + decay * weight.square().sum()).backward()
    optimizer.step()
seconds = time.perf_counter() - start
hits = (x[splits[0].test] @ weight + bias).argmax(1) == y[splits[0].test]
row("adam: 1 split x 1 strength, 3000 steps", seconds, f"{float(hits.double().mean()):.4f}")
row("probe: the same split", 0.0, f"{scores[0].accuracy:.4f}")

features, truth = x.double().numpy(), y.numpy()
worst, start = 0.0, time.perf_counter()
for split, score in zip(splits[: args.reference_splits], scores, strict=False):
    fit = LogisticRegression(C=score.strength, tol=1e-6, max_iter=5000)
    fit.fit(features[split.train], truth[split.train])
    worst = max(worst, abs(fit.score(features[split.test], truth[split.test]) - score.accuracy))
seconds = (time.perf_counter() - start) / args.reference_splits
row("scikit-learn: 1 split x 1 strength; largest difference of accuracy", seconds, f"{worst:.4f}")

# One seed more or less ends in another local optimum, for either of the two: means over seeds.
clusters, seeds = int(y.max()) + 1, range(args.kmeans_seeds)
fits, seconds = timed(lambda: [kmeans(z, clusters, seed=seed) for seed in seeds])
found = [nmi(y, fit.labels) for fit in fits]
row("k-means, 10 restarts: mean NMI", seconds / len(seeds), f"{statistics.mean(found):.4f}")
inertia = statistics.mean(fit.inertia for fit in fits)
row("k-means, 10 restarts: mean inertia", seconds / len(seeds), f"{inertia:.6g}")
rivals, seconds = timed(
    lambda: [KMeans(clusters, n_init=10, random_state=seed).fit(z.numpy()) for seed in seeds]
)
found = [nmi(y, torch.from_numpy(rival.labels_).long()) for rival in rivals]
row("scikit-learn, 10 restarts: mean NMI", seconds / len(seeds), f"{statistics.mean(found):.4f}")
inertia = statistics.mean(rival.inertia_ for rival in rivals)
row("scikit-learn, 10 restarts: mean inertia", seconds / len(seeds), f"{inertia:.6g}")

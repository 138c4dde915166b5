"""Seconds and memory of contrastive losses, forward and backward, against the dense formula.

Each line of the output is one setting; its ratio is the time of the dense formula of GRACE's
code in the same run divided by its own. Its products are the multiply-adds, in units of n n d,
that one plain matrix product of that dtype does in its time; the dense formula makes 12, and 8
where symmetric blocks are shared. It and the settings take turns, and the least of the repeats
counts, so that other work on the machine hits all of them alike.

python examples/benchmarks/bench_contrastive_loss.py --nodes 7650 --channels 256
"""

from __future__ import annotations

import argparse
import csv
import platform
import resource
import sys
import time

import torch
import torch.nn.functional as F
import tqdm

import gclkit
from gclkit.bfloat16 import bfloat16_pays
from gclkit.losses import (
    clip_infonce,
    dcl,
    debiased_infonce,
    estimate_memory,
    hardness_infonce,
    infonce,
    team_up,
)
from gclkit.ops import choose_backend
from gclkit.testing.measure import LargestTensor, PeakBytes

COLUMNS = (
    "loss backend precision products memory_budget anchors nodes channels "
    "forward_s backward_s total_s ratio_to_dense nnd_products gradient_error "
    "largest_numel peak_mb estimate_mb max_rss_mb "
    "gclkit torch python threads device"
).split()
ASKED = ("backend", "precision", "memory_budget", "anchors")


def products(options, device):
    """The dtype that products run in: not every CPU multiplies bf16 faster."""
    narrow = options["precision"] == "bfloat16" and bfloat16_pays(torch.device(device))
    return "bfloat16" if narrow else "float32"


def product_rate(dtype, device):
    """Multiply-adds per second of one large matrix product."""
    size = 8192 if device == "cuda" else 2048
    factor = torch.ones(size, size, dtype=getattr(torch, dtype), device=device)
    taken = []
    for _ in range(4):
        start = now(device)
        factor @ factor
        taken.append(now(device) - start)
    return size**3 / min(taken)


def dense(z1, z2, temperature):
    def terms(a, b):
        return torch.exp(F.normalize(a) @ F.normalize(b).T / temperature)

    def one_way(a, b):
        inside, across = terms(a, a), terms(a, b)
        total = inside.sum(dim=1) + across.sum(dim=1) - inside.diagonal()
        return -torch.log(across.diagonal() / total)

    return ((one_way(z1, z2) + one_way(z2, z1)) / 2).mean()


def make_loss(name, options, strength, temperature):
    if name == "dense":
        return lambda a, b: dense(a, b, temperature)
    if name == "team_up":
        return lambda a, b: team_up(a, b, strength, gamma=0.5, temperature=temperature, **options)
    known = {
        "infonce": infonce,
        "clip_infonce": clip_infonce,
        "dcl": dcl,
        "debiased_infonce": debiased_infonce,
        "hardness_infonce": hardness_infonce,
    }
    return lambda a, b: known[name](a, b, temperature=temperature, **options)


def now(device):
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def timed(loss, z1, z2, device):
    z1, z2 = (z.detach().requires_grad_() for z in (z1, z2))
    start = now(device)
    value = loss(z1, z2)
    middle = now(device)
    value.backward()
    return middle - start, now(device) - middle, torch.cat([z1.grad, z2.grad])


def peak_megabytes(loss, z1, z2, device):
    """Most bytes alive beyond inputs and their gradients; on CUDA by the allocator."""
    gradients = 2 * z1.numel() * z1.element_size()
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        timed(loss, z1, z2, device)
        return (torch.cuda.max_memory_allocated() - before - gradients) / 1e6, ""
    with PeakBytes() as peak, LargestTensor() as largest:
        timed(loss, z1, z2, device)
    return (peak.peak - gradients) / 1e6, largest.numel


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--nodes", type=int, nargs="+", default=[2000, 7650])
    parser.add_argument("--channels", type=int, default=256)
    parser.add_argument("--temperature", type=float, default=0.5)
    parser.add_argument("--losses", nargs="+", default=["infonce", "team_up"])
    parser.add_argument("--backends", nargs="+", default=["auto"])
    parser.add_argument("--precisions", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--budgets", type=float, nargs="+", default=[0, 1e9], help="0: recompute")
    parser.add_argument("--anchors", type=int, nargs="+", default=[0, 1024], help="0: all")
    parser.add_argument("--repeats", type=int, default=5, help="1: without a warm-up")
    parser.add_argument("--no-dense", action="store_true", help="leave out the dense formula")
    parser.add_argument("--exact", action="store_true", help="gradient error against fp64")
    parser.add_argument("--tf32", action="store_true", help="allow TF32 in fp32 products")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = args.tf32

    rows = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    rows.writeheader()
    for nodes in args.nodes:
        for row in measure(nodes, args):
            rows.writerow(row)
            sys.stdout.flush()


def settings(args):
    if not args.no_dense:
        yield "dense", {}
    for name in args.losses:
        for backend in args.backends:
            for precision in args.precisions:
                for budget in args.budgets:
                    options = {"backend": backend, "precision": precision}
                    options["memory_budget"] = budget or None
                    yield name, options
                    if name in ("infonce", "team_up"):
                        yield from ((name, options | {"anchors": b}) for b in args.anchors if b)


def measure(nodes, args):
    generator = torch.Generator().manual_seed(0)
    z1, noise = torch.randn(2, nodes, args.channels, generator=generator)
    z1, z2 = (z.to(args.device) for z in (z1, z1 + 0.5 * noise))
    strength = 0.2 * torch.rand(nodes, generator=generator).to(args.device)

    runs = [
        (name, options, make_loss(name, options, strength, args.temperature))
        for name, options in settings(args)
    ]
    times = [[] for _ in runs]
    gradients = [None for _ in runs]
    warmup = args.repeats > 1
    for repeat in tqdm.trange(args.repeats + warmup, desc=f"n = {nodes}"):
        for number, (_, _, loss) in enumerate(runs):
            forward, backward, gradients[number] = timed(loss, z1, z2, args.device)
            if repeat >= warmup:
                times[number].append((forward + backward, forward, backward))

    truth = {}
    if args.exact:
        for name in {name for name, *_ in runs} - {"dense"}:
            exact = make_loss(name, {"backend": "blockwise"}, strength, args.temperature)
            truth[name] = timed(exact, z1.double(), z2.double(), args.device)[2]
    device = torch.cuda.get_device_name() if args.device == "cuda" else cpu_name()
    reference = None if args.no_dense else min(times[0])[0]
    rates = {dtype: product_rate(dtype, args.device) for dtype in ("float32", "bfloat16")}
    for (name, options, loss), taken, gradient in zip(runs, times, gradients, strict=True):
        total, forward, backward = min(taken)
        peak, largest = peak_megabytes(loss, z1, z2, args.device)
        error, estimate = "", ""
        dtype = "float32" if name == "dense" else products(options, args.device)
        spent = total * rates[dtype] / (nodes**2 * args.channels)
        if name in truth and not options.get("anchors"):
            error = f"{((gradient - truth[name]).norm() / truth[name].norm()).item():.1e}"
        if name == "infonce":
            backend = choose_backend(name, options["backend"], z1, options["precision"])
            given = options | {"backend": backend, "device": args.device}
            estimate = f"{estimate_memory(nodes, args.channels, **given) / 1e6:.0f}"
        yield {
            "loss": name,
            **{key: options.get(key) or "" for key in ASKED},
            "products": dtype,
            "nodes": nodes,
            "channels": args.channels,
            "forward_s": f"{forward:.3f}",
            "backward_s": f"{backward:.3f}",
            "total_s": f"{total:.3f}",
            "ratio_to_dense": "" if reference is None else f"{reference / total:.2f}",
            "nnd_products": f"{spent:.1f}",
            "gradient_error": error,
            "largest_numel": largest,
            "peak_mb": f"{peak:.0f}",
            "estimate_mb": estimate,
            "max_rss_mb": f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f}",
            "gclkit": gclkit.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "threads": torch.get_num_threads(),
            "device": device,
        }


def cpu_name():
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":")[1].strip() for line in file if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or "cpu"


if __name__ == "__main__":
    main()

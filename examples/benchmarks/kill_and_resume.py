"""Kills a training at random moments, resumes it and compares the embeddings, bit for bit.

python examples/benchmarks/kill_and_resume.py --kills 20

A checkpoint is written after every epoch. Each kill (SIGKILL) is a run of its own: killed once in a
random epoch, at a random moment or, every other time, as soon as it is seen to write a checkpoint;
checked for a readable checkpoint and resumed to its end. Processes are forked from one that
imported everything and computed nothing.
"""

import argparse
import multiprocessing
import random
import signal
import tempfile
import time
from pathlib import Path

import numpy as np

from gclkit.graphs import load
from gclkit.methods import GRACE
from gclkit.training import load_checkpoint, pretrain

EPOCHS = 30


def train(folder: Path, dataset: str, reached) -> None:
    """A process of its own: trains, resuming what is there, and writes its embeddings."""

    def report(epoch, record, method, data):
        reached.value = epoch

    data = load(dataset, log=None)
    method = GRACE(data.num_features, out_channels=64, projection_channels=32, activation="rrelu")
    checkpoint = {"checkpoint": folder / "checkpoint.pt", "every": 1, "resume": True}
    result = pretrain(method, data, epochs=EPOCHS, seed=7, callbacks=[report], **checkpoint)
    np.save(folder / "embeddings.npy", result.embeddings.numpy())


def start(folder: Path, dataset: str):
    folder.mkdir(exist_ok=True)
    context = multiprocessing.get_context("forkserver")
    reached = context.Value("i", 0)
    process = context.Process(target=train, args=(folder, dataset, reached))
    process.start()
    return process, reached


def finish(folder: Path, dataset: str) -> np.ndarray:
    process, _ = start(folder, dataset)
    process.join()
    if process.exitcode != 0:
        raise SystemExit(f"{folder.name}: training ended with {process.exitcode}")
    return np.load(folder / "embeddings.npy")


def kill_once(folder: Path, dataset: str, epoch: int, delay: float | None) -> bool:
    """Whether training was still running when it was killed: ``delay`` seconds after an epoch, or
    while it wrote the checkpoint after it.
    """
    process, reached = start(folder, dataset)
    while reached.value < epoch and process.is_alive():
        time.sleep(0.001)
    if delay is None:
        while process.is_alive() and not list(folder.glob(".*.draft")):
            pass
    else:
        time.sleep(delay)
    process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--dataset", default="cora")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=4, help="of the moments")
    args = parser.parse_args()
    multiprocessing.get_context("forkserver").set_forkserver_preload(["__main__", "torch._dynamo"])
    moments = random.Random(args.seed)
    identical, unreadable, writing, done = 0, 0, 0, 0
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        began = time.perf_counter()
        whole = finish(root / "whole", args.dataset)
        epoch_seconds = (time.perf_counter() - began) / EPOCHS
        while done < args.kills:
            folder = root / f"killed-{done}"
            epoch, delay = moments.randrange(EPOCHS), moments.random() * epoch_seconds
            delay = None if done % 2 else delay
            if not kill_once(folder, args.dataset, epoch, delay):
                folder.rename(root / f"too-late-{time.monotonic_ns()}")
                continue
            during_write = bool(list(folder.glob(".*.draft")))
            saved = 0
            if (folder / "checkpoint.pt").exists() or epoch > 1:
                try:
                    saved = load_checkpoint(folder / "checkpoint.pt")["epoch"]
                except (OSError, ValueError):
                    unreadable += 1
            same = np.array_equal(finish(folder, args.dataset), whole)
            left = len(list(folder.glob(".*.draft")))
            print(f"killed after epoch {saved:2}, while writing: {during_write}, "
                  f"identical: {same}, drafts left: {left}", flush=True)  # fmt: skip
            identical, writing, done = identical + same, writing + during_write, done + 1
    print(f"{identical} of {done} bit-identical, {unreadable} unreadable checkpoints, "
          f"{writing} killed while a checkpoint was written")  # fmt: skip
    raise SystemExit(identical < done or unreadable > 0)


if __name__ == "__main__":
    main()

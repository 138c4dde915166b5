"""The training loop."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch_geometric.data import Data

from gclkit.checks import check_count, check_non_negative, check_positive, reject
from gclkit.graphs import check_graph, dataset_hash
from gclkit.methods import Method, StepOutput
from gclkit.training.callback import Callback
from gclkit.training.checkpoint import load_checkpoint, save_checkpoint
from gclkit.training.collapse import warn_of_collapse
from gclkit.training.interrupt import Interruptible, TrainingInterrupted

Regularizer = Callable[..., Tensor]


class TrainingDiverged(ArithmeticError):
    """The loss or a gradient is no longer finite."""


@dataclass(frozen=True)
class Pretrained:
    """What training returns.

    Attributes:
        embeddings: One row per node, on the CPU.
        history: One record per epoch: ``epoch``, ``loss``, its terms, ``seconds``.
        method: The trained method.
    """

    embeddings: Float[Tensor, "n d"]
    history: list[dict[str, float]]
    method: Method = field(repr=False)


def pretrain(
    method: Method,
    data: Data,
    *,
    epochs: int,
    lr: float = 1e-3,
    weight_decay: float = 1e-5,
    warmup: int = 0,
    seed: int = 0,
    regularizer: Regularizer | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | Path | None = None,
    every: int = 100,
    resume: bool = False,
    max_grad_norm: float | None = None,
    retries: int = 0,
    device: str | torch.device | None = None,
    deadline: float | None = None,
    progress: bool = False,
) -> Pretrained:
    """Trains a method on a graph with Adam and embeds its nodes.

    The parameters are drawn anew under the seed; the global generators are left as they
    were. The same seed gives the same embeddings, bit for bit, on one CPU with one number
    of threads, also when the run was interrupted and resumed.

    Args:
        method: The method.
        data: The whole graph.
        epochs: How many passes over it, at least 1.
        lr: Adam's step, above 0.
        weight_decay: Adam's L2 penalty, 0 or more.
        warmup: Epochs over which the step grows linearly to :obj:`lr`.
        seed: Seed of parameters and views.
        regularizer: Called with the loss and ``(x, edge_index, z)`` of each view; returns
            the loss to minimise.
        callbacks: Called after every epoch, see :class:`Callback`.
        checkpoint: File to which the state is written every so often, on Ctrl-C and on
            SIGTERM. (default: none is written)
        every: Epochs between two checkpoints.
        resume: Go on from :obj:`checkpoint` if it is there, else start.
        max_grad_norm: Gradients are scaled down to this norm. (default: not)
        retries: How often to go back to the last good state with half the step when
            numbers stop being finite, instead of stopping.
        device: Where to train. (default: where the graph is)
        deadline: Stop as on Ctrl-C once ``time.monotonic()`` has passed it.
        progress: Show a progress bar.

    Raises:
        ValueError: For settings out of range, a graph that is not fit for training, or a
            checkpoint of another run.
        FileExistsError: If :obj:`checkpoint` is there and :obj:`resume` is not set.
        TrainingDiverged: If the loss or a gradient is not finite.
        TrainingInterrupted: If it was asked to stop; the checkpoint holds the state.
    """
    check_count("pretrain", "epochs", epochs)
    check_positive("pretrain", "lr", lr)
    check_non_negative("pretrain", "weight_decay", weight_decay)
    check_count("pretrain", "warmup", warmup, at_least=0)
    check_count("pretrain", "seed", seed, at_least=0)
    check_count("pretrain", "every", every)
    check_count("pretrain", "retries", retries, at_least=0)
    if max_grad_norm is not None:
        check_positive("pretrain", "max_grad_norm", max_grad_norm)
    if checkpoint is not None and not resume and Path(checkpoint).exists():
        raise FileExistsError(f"pretrain: '{checkpoint}' exists; pass resume=True to go on from it")
    check_graph(type(method).__name__, data)
    device = torch.device(device) if device is not None else data.edge_index.device

    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        method.to(device)
        method.reset_parameters()
        generator = torch.Generator(device).manual_seed(seed)
        data = data.to(str(device))
        settings = {
            "method": type(method).__name__,
            "data": dataset_hash(data),
            "lr": lr,
            "weight_decay": weight_decay,
            "warmup": warmup,
            "seed": seed,
        }
        loop = _Loop(method, method.prepare(data, generator), generator, settings)
        if resume and checkpoint is not None and _has_checkpoint(checkpoint):
            loop.restore(load_checkpoint(checkpoint, device=device))
        loop.run(
            epochs,
            regularizer=regularizer,
            callbacks=callbacks,
            checkpoint=None if checkpoint is None else Path(checkpoint),
            every=every,
            max_grad_norm=max_grad_norm,
            retries=retries,
            deadline=deadline,
            progress=progress,
        )
    return Pretrained(method.embed(loop.data).cpu(), loop.history, method)


def _has_checkpoint(path: str | Path) -> bool:
    from gclkit.training.checkpoint import previous_checkpoint

    return Path(path).exists() or previous_checkpoint(path).exists()


class _Loop:
    """The state of a training run: all that a checkpoint holds, and how it moves on."""

    def __init__(
        self, method: Method, data: Data, generator: torch.Generator, settings: dict[str, Any]
    ) -> None:
        self.method = method
        self.data = data
        self.generator = generator
        self.settings = settings
        self.lr = float(settings["lr"])
        self.optimizer = torch.optim.Adam(
            method.parameters(), lr=self.lr, weight_decay=settings["weight_decay"]
        )
        self.epoch = 0
        self.history: list[dict[str, float]] = []

    def state(self) -> dict[str, Any]:
        state = {
            "settings": self.settings,
            "in_channels": self.data.num_features,
            "epoch": self.epoch,
            "lr": self.lr,
            "history": self.history,
            "model": self.method.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "cpu_rng": torch.get_rng_state(),
        }
        if self.generator.device.type == "cuda":
            state["cuda_rng"] = torch.cuda.get_rng_state(self.generator.device)
        return state

    def restore(self, state: dict[str, Any]) -> None:
        for key, value in self.settings.items():
            if state["settings"].get(key) != value:
                rule = f"that of a run with {key}={state['settings'].get(key)!r}"
                reject("pretrain", key, rule, value)
        self.epoch, self.lr, self.history = state["epoch"], state["lr"], state["history"]
        self.method.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"].cpu())
        torch.set_rng_state(state["cpu_rng"].cpu())
        if "cuda_rng" in state:
            torch.cuda.set_rng_state(state["cuda_rng"].cpu(), self.generator.device)

    def run(
        self,
        epochs: int,
        *,
        regularizer: Regularizer | None,
        callbacks: Sequence[Callback],
        checkpoint: Path | None,
        every: int,
        max_grad_norm: float | None,
        retries: int,
        deadline: float | None,
        progress: bool,
    ) -> None:
        good = copy.deepcopy(self.state()) if retries else None
        with _bar(self.epoch, epochs, progress) as bar, Interruptible() as stop:
            while self.epoch < epochs:
                start = time.perf_counter()
                try:
                    record, output = self.advance(regularizer, max_grad_norm)
                except TrainingDiverged:
                    if not retries or good is None:
                        raise
                    retries -= 1
                    good["lr"] /= 2
                    self.restore(copy.deepcopy(good))
                    continue
                record["seconds"] = time.perf_counter() - start
                warn_of_collapse(
                    self.epoch,
                    record["loss"],
                    output.embeddings,
                    lr=self.lr,
                    warmup=self.settings["warmup"],
                )
                for callback in callbacks:
                    callback(self.epoch, record, self.method, self.data)
                self.history.append(record)
                bar.update(1)
                bar.set_postfix(loss=f"{record['loss']:.4f}", refresh=False)
                late = deadline is not None and time.monotonic() > deadline
                stopping = stop.requested or late
                if self.epoch % every == 0 or self.epoch == epochs or stopping:
                    if checkpoint is not None:
                        save_checkpoint(checkpoint, self.state())
                    if good is not None:
                        good = copy.deepcopy(self.state())
                if stopping:
                    saved = f"; its state is in '{checkpoint}'" if checkpoint else ""
                    raise TrainingInterrupted(f"stopped after epoch {self.epoch}{saved}")

    def advance(
        self, regularizer: Regularizer | None, max_grad_norm: float | None
    ) -> tuple[dict[str, float], StepOutput]:
        """One epoch: step, gradient, checks, update."""
        epoch = self.epoch + 1
        warmup = self.settings["warmup"]
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr * min(1.0, epoch / warmup) if warmup else self.lr
        self.method.train()
        self.optimizer.zero_grad(set_to_none=True)
        output = self.method.step(self.data, epoch)
        loss = output.loss
        if regularizer is not None:
            views = zip(output.views, output.embeddings, strict=True)
            loss = regularizer(loss, *((v.x, v.edge_index, z) for v, z in views))
        loss.backward()
        grads = [p.grad for p in self.method.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(grads)
        # One transfer for all numbers of the epoch.
        names = ["loss", *output.terms, "grad_norm"]
        numbers = torch.stack(
            [t.detach().double().cpu() for t in (loss, *output.terms.values(), norm)]
        ).tolist()
        record = {"epoch": float(epoch), **dict(zip(names, numbers, strict=True))}
        self._check_finite(epoch, record)
        if max_grad_norm is not None and record["grad_norm"] > max_grad_norm:
            for grad in grads:
                grad.mul_(max_grad_norm / record["grad_norm"])
        self.optimizer.step()
        self.method.after_step(epoch)
        self.epoch = epoch
        return record, output

    def _check_finite(self, epoch: int, record: dict[str, float]) -> None:
        bad = [name for name, value in record.items() if not abs(value) < float("inf")]
        if not bad:
            return
        where = "the gradient"
        if bad != ["grad_norm"]:
            where = f"'{bad[0]}'"
        else:
            for name, parameter in self.method.named_parameters():
                if parameter.grad is not None and not bool(parameter.grad.isfinite().all()):
                    where = f"the gradient of '{name}'"
                    break
        raise TrainingDiverged(
            f"pretrain: {where} is not finite in epoch {epoch}. Likely cause: steps at "
            f"lr={self.lr:g} are too large; use a smaller lr, a warm-up, max_grad_norm=1.0 or "
            "retries=3. The last checkpoint is kept."
        )


def _bar(start: int, epochs: int, progress: bool) -> Any:
    from tqdm import tqdm

    return tqdm(total=epochs, initial=start, disable=not progress, unit="epoch", dynamic_ncols=True)

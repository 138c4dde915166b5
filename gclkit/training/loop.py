"""The state of a training run, and how it moves from epoch to epoch."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from gclkit.checks import NotFinite, reject
from gclkit.encoders import view_features
from gclkit.methods import Method, StepOutput
from gclkit.regularizers import ProvableTraining
from gclkit.training.callback import Callback
from gclkit.training.checkpoint import save_checkpoint
from gclkit.training.collapse import warn_of_collapse
from gclkit.training.interrupt import Interruptible, TrainingInterrupted
from gclkit.training.schedule import scheduled_lr
from gclkit.training.training_settings import TrainingSettings

Regularizer = Callable[..., Tensor]
# What every checkpoint of a training holds.
KEYS = {
    "settings", "epoch", "lr", "retried", "history", "model", "optimizer", "generator", "cpu_rng",
}  # fmt: skip
# What the record of an epoch holds beside the terms of the loss.
RECORDED = {"epoch", "loss", "grad_norm", "seconds"}


class TrainingDiverged(ArithmeticError):
    """The loss or a gradient is no longer finite."""


class TrainingLoop:
    """The state of a training run: all that a checkpoint holds, and how it moves on."""

    def __init__(
        self,
        method: Method,
        data: Data,
        generator: torch.Generator,
        settings: TrainingSettings,
        identity: dict[str, Any] | None = None,
        drawing: torch.Generator | None = None,
    ) -> None:
        if not isinstance(data, Data):
            rule = "a function that returns the graph to train on"
            reject(type(method).__name__, "prepare", rule, type(data).__name__)
        self.method = method
        self.data = data
        self.generator = generator
        self.drawing = drawing  # The regularizer's own source of randomness.
        self.settings = settings
        # What a checkpoint must have in common with this run.
        self.identity = {**(identity or {}), **settings.kept_on_resume()}
        self.lr = settings.lr
        self.optimizer = torch.optim.Adam(
            method.parameters(), lr=self.lr, weight_decay=settings.weight_decay
        )
        self.epoch = 0
        self.history: list[dict[str, float]] = []
        self.retried = 0
        # Where a training that stops being finite goes back to.
        self.good: dict[str, Any] | None = None

    def state(self) -> dict[str, Any]:
        state = {
            "settings": self.identity,
            "in_channels": self.data.num_features,
            "epoch": self.epoch,
            "lr": self.lr,
            "retried": self.retried,
            "history": self.history,
            "model": self.method.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "cpu_rng": torch.get_rng_state(),
        }
        if self.drawing is not None:
            state["regularizer_rng"] = self.drawing.get_state()
        if self.generator.device.type == "cuda":
            state["cuda_rng"] = torch.cuda.get_rng_state(self.generator.device)
        return state

    def restore(self, state: dict[str, Any]) -> None:
        if not state.keys() >= KEYS:
            reject("pretrain", "checkpoint", "one that pretrain wrote", sorted(map(str, state)))
        saved = state["settings"]
        for key, value in self.identity.items():
            # Beside the class of a part, which both know, another version may keep other arguments.
            if key in saved and saved[key] != value:
                reject("pretrain", key, f"that of a run with {key}={saved[key]!r}", value)
        if state["epoch"] > self.settings.epochs:
            rule = f"at least the {state['epoch']} that the checkpoint has seen"
            reject("pretrain", "epochs", rule, self.settings.epochs)
        try:
            self.method.load_state_dict(state["model"])
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:200]
            reject("pretrain", "checkpoint", "that of a run of the same parameters", reason)
        self.epoch, self.lr, self.history = state["epoch"], state["lr"], state["history"]
        self.retried, self.good = state["retried"], state.get("good", self.good)
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"].cpu())
        torch.set_rng_state(state["cpu_rng"].cpu())
        if self.drawing is not None and "regularizer_rng" in state:
            self.drawing.set_state(state["regularizer_rng"].cpu())
        if "cuda_rng" in state:
            torch.cuda.set_rng_state(state["cuda_rng"].cpu(), self.generator.device)

    def run(
        self,
        *,
        regularizer: Regularizer | None,
        callbacks: Sequence[Callback],
        checkpoint: Path | None,
        every: int,
        deadline: float | None,
        progress: bool,
    ) -> None:
        epochs = self.settings.epochs
        if self.settings.retries and self.good is None:
            self.good = copy.deepcopy(self.state())
        saves = checkpoint is not None
        with _bar(self.epoch, epochs, progress) as bar, Interruptible(saves=saves) as stop:
            while self.epoch < epochs:
                start = time.perf_counter()
                try:
                    record, output = self.advance(regularizer)
                except TrainingDiverged:
                    if self.good is None or self.retried >= self.settings.retries:
                        raise
                    self.good["lr"] /= 2
                    self.good["retried"] = self.retried + 1
                    self.restore(copy.deepcopy(self.good))
                    due = False
                else:
                    record["seconds"] = time.perf_counter() - start
                    warn_of_collapse(
                        self.epoch,
                        record["loss"],
                        output.embeddings,
                        lr=self.lr,
                        warmup=self.settings.warmup,
                        x=self.data.get("x"),
                    )
                    del output  # Else embeddings and views stay through the next epoch.
                    for callback in callbacks:
                        callback(self.epoch, record, self.method, self.data)
                    if not record.keys() >= RECORDED:
                        lost = sorted(RECORDED - record.keys())
                        reject("pretrain", "callbacks", "functions that remove no record", lost)
                    self.history.append({name: _number(name, record[name]) for name in record})
                    bar.update(1)
                    bar.set_postfix(loss=f"{record['loss']:.4f}", refresh=False)
                    due = self.epoch % every == 0 or self.epoch == epochs
                    if due and self.good is not None:
                        self.good = copy.deepcopy(self.state())
                late = deadline is not None and time.monotonic() > deadline
                stopping = stop.requested or late
                if checkpoint is not None and (due or stopping):
                    # A stop in between must not move the place to go back to.
                    good = {} if due or self.good is None else {"good": self.good}
                    save_checkpoint(checkpoint, {**self.state(), **good})
                if stopping:
                    saved = f"; its state is in '{checkpoint}'" if checkpoint else ""
                    raise TrainingInterrupted(f"stopped after epoch {self.epoch}{saved}")

    @torch.enable_grad()
    def advance(self, regularizer: Regularizer | None) -> tuple[dict[str, float], StepOutput]:
        """One epoch: step, gradient, checks, update."""
        epoch, settings, owner = self.epoch + 1, self.settings, type(self.method).__name__
        for group in self.optimizer.param_groups:
            group["lr"] = scheduled_lr(
                self.lr,
                epoch,
                epochs=settings.epochs,
                warmup=settings.warmup,
                schedule=settings.schedule,
            )
        self.method.train()
        self.optimizer.zero_grad(set_to_none=True)
        try:
            output = self.method.step(self.data, epoch)
            loss = _check_output(owner, output)
            if regularizer is not None:
                views = zip(output.views, output.embeddings, strict=True)
                loss = regularizer(loss, *((view_features(v), v.edge_index, z) for v, z in views))
                if not _is_loss(loss):
                    rule = "a function that returns a scalar with a gradient"
                    reject("pretrain", "regularizer", rule, loss)
        except NotFinite as error:  # What a loss refuses as input the steps before have made.
            raise self._diverged(epoch, "an embedding") from error
        loss.backward()
        grads = [p.grad for p in self.method.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(grads)
        # One transfer for all numbers of the epoch.
        names = ["loss", *output.terms, "grad_norm"]
        values = [loss, *(_as_term(owner, *term) for term in output.terms.items()), norm]
        numbers = torch.stack([t.detach().double().cpu() for t in values]).tolist()
        record = {"epoch": float(epoch), **dict(zip(names, numbers, strict=True))}
        self._check_finite(epoch, record)
        largest = settings.max_grad_norm
        if largest is not None and record["grad_norm"] > largest:
            for grad in grads:
                grad.mul_(largest / record["grad_norm"])
        self.optimizer.step()
        self.method.after_step(epoch)
        if isinstance(regularizer, ProvableTraining):
            regularizer.after_step()
        self.epoch = epoch
        return record, output

    def _check_finite(self, epoch: int, record: dict[str, float]) -> None:
        bad = [name for name, value in record.items() if not math.isfinite(value)]
        if not bad:
            return
        where = f"'{bad[0]}'"
        if bad == ["grad_norm"]:
            where = "the gradient"  # Each part may be finite, and their norm not.
            for name, parameter in self.method.named_parameters():
                if parameter.grad is not None and not bool(parameter.grad.isfinite().all()):
                    where = f"the gradient of '{name}'"
                    break
        raise self._diverged(epoch, where)

    def _diverged(self, epoch: int, where: str) -> TrainingDiverged:
        return TrainingDiverged(
            f"pretrain: {where} is not finite in epoch {epoch}. Likely cause: steps at "
            f"lr={self.lr:g} are too large; use a smaller lr, a warm-up, max_grad_norm=1.0 or "
            "retries=3. What has been saved is kept."
        )


def _check_output(owner: str, output: StepOutput) -> Tensor:
    """The loss of a step that returned what the loop expects."""
    if not isinstance(output, StepOutput):
        reject(owner, "step", "a function that returns a StepOutput", type(output).__name__)
    loss = output.loss
    if not isinstance(output.terms, Mapping):
        reject(owner, "terms", "a dict of numbers", type(output.terms).__name__)
    if not _is_loss(loss):
        reject(owner, "loss", "a scalar with a gradient", loss)
    views, embeddings = output.views, output.embeddings
    if not isinstance(views, (tuple, list)) or not views:
        reject(owner, "views", "a tuple of one graph or more", type(views).__name__)
    if not isinstance(embeddings, (tuple, list)) or len(embeddings) != len(views):
        rule = f"a tuple of one matrix for each of the {len(views)} views"
        reject(owner, "embeddings", rule, type(embeddings).__name__)
    taken = RECORDED & output.terms.keys()
    if taken:
        reject(owner, "terms", f"named otherwise than {sorted(RECORDED)}", sorted(taken))
    return loss


def _as_term(owner: str, name: str, value: Any) -> Tensor:
    """A term of the loss as a scalar tensor, on the device that it is on."""
    try:
        term = torch.as_tensor(value)
        if not term.dim():
            return term
    except (TypeError, ValueError, RuntimeError):
        pass
    reject(owner, name, "a number, as every term of a loss", value)


def _is_loss(value: Any) -> bool:
    return isinstance(value, Tensor) and not value.dim() and value.requires_grad


def _number(name: str, value: Any) -> float:
    """A plain float of what a callback recorded: a checkpoint with anything else is not read."""
    try:
        if not isinstance(value, str):
            return float(value)
    except (TypeError, ValueError, RuntimeError):
        pass
    reject("pretrain", name, "a number in the record of an epoch", value)


def _bar(start: int, epochs: int, progress: bool) -> Any:
    from tqdm import tqdm

    return tqdm(total=epochs, initial=start, disable=not progress, unit="epoch", dynamic_ncols=True)

"""Training from a graph to embeddings."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch_geometric.data import Data

from gclkit.checks import check_count, check_device, check_seed, reject
from gclkit.graphs import check_graph, dataset_hash
from gclkit.graphs.dataset_hash import further_hash
from gclkit.methods import Method
from gclkit.ops import release_memory
from gclkit.regularizers import ProvableTraining
from gclkit.training.callback import Callback
from gclkit.training.checkpoint import load_checkpoint, previous_checkpoint
from gclkit.training.kept_arguments import kept_arguments
from gclkit.training.loop import Regularizer, TrainingLoop
from gclkit.training.memory import check_memory, estimate_training_memory
from gclkit.training.training_settings import TrainingSettings

# Draws without a generator come from the process's: trainings in several threads take turns.
_ONE_AT_A_TIME = RLock()


@dataclass(frozen=True)
class Pretrained:
    """What training returns.

    Attributes:
        embeddings: One row per node, on the CPU.
        history: One record per epoch: ``epoch``, ``loss``, its terms, ``seconds``.
        method: The trained method.
    """

    embeddings: Float[Tensor, "n d"]
    history: list[dict[str, float]] = field(repr=False)
    method: Method = field(repr=False)


def pretrain(
    method: Method,
    data: Data,
    *,
    epochs: int,
    lr: float = 1e-3,
    weight_decay: float = 1e-5,
    warmup: int = 0,
    schedule: str = "constant",
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

    All parameters, frozen ones too, are drawn anew under the seed; the global generators are
    left as they were. The same seed gives the same embeddings, bit for bit, on one CPU with
    one number of threads, also when the run was interrupted and resumed. A process runs one
    training at a time, and other threads must not draw from the global generators meanwhile: for
    more at once start processes.

    What a callback raises ends the training; the method keeps what it has learned, and
    ``method.embed(method.prepare(data))`` embeds with it. No checkpoint is written then: for one,
    let the callback call ``signal.raise_signal(signal.SIGINT)``, which stops as Ctrl-C does.

    Args:
        method: The method.
        data: The whole graph.
        epochs: How many passes over it, at least 1.
        lr: Adam's step, above 0.
        weight_decay: Adam's L2 penalty, 0 or more.
        warmup: Epochs over which the step grows linearly to :obj:`lr`.
        schedule: ``"constant"`` after the warm-up, or ``"cosine"``: falling to 0 over the
            :obj:`epochs`, which a resumed run must then keep.
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
        ValueError: For settings out of range, a graph that is not fit for training, a method
            that does not reset all its parameters, a checkpoint of another run, or a training
            that needs more memory than there is. The method is left as it was by whatever ends
            the training before its first step.
        FileExistsError: If :obj:`checkpoint` is there and :obj:`resume` is not set.
        TrainingDiverged: If the loss or a gradient is not finite.
        TrainingInterrupted: If it was asked to stop; the checkpoint holds the state.
    """
    settings = TrainingSettings(
        epochs=epochs,
        lr=lr,
        weight_decay=weight_decay,
        warmup=warmup,
        schedule=schedule,
        max_grad_norm=max_grad_norm,
        retries=retries,
    )
    if not isinstance(method, Method):
        got = method if isinstance(method, type) else type(method).__name__
        reject("pretrain", "method", "a Method, such as GRACE(in_channels)", got)
    if regularizer is not None and (isinstance(regularizer, type) or not callable(regularizer)):
        reject("pretrain", "regularizer", "a function", regularizer)
    seed = check_seed("pretrain", "seed", seed)
    check_count("pretrain", "every", every)
    if not isinstance(callbacks, Sequence) or not all(map(callable, callbacks)):
        reject("pretrain", "callbacks", "a list of functions", callbacks)
    if checkpoint is not None and not resume and Path(checkpoint).exists():
        raise FileExistsError(f"pretrain: '{checkpoint}' exists; pass resume=True to go on from it")
    lazy = [name for name, parameter in method.named_parameters() if is_lazy(parameter)]
    if lazy:
        rule = "one whose parameters have a size: run its encoder once"
        reject("pretrain", "method", rule, f"{', '.join(lazy)} without")
    if any(parameter.is_inference() for parameter in method.parameters()):
        reject("pretrain", "method", "one made outside of torch.inference_mode()", "made within")
    if isinstance(regularizer, nn.Module):
        trained, parts = set(method.parameters()), regularizer.named_parameters()
        own = [name for name, p in parts if p.requires_grad and p not in trained]
        if own:
            rule = "one whose parameters are the method's, which alone are trained, or frozen"
            reject("pretrain", "regularizer", rule, f"{', '.join(own)} of its own")
    check_graph(type(method).__name__, data)
    if isinstance(regularizer, ProvableTraining) and data.get("edge_weight") is not None:
        rule = "left out: bounds are of graphs without edge weights"
        reject("pretrain", "regularizer", rule, type(regularizer).__name__)
    device = check_device("pretrain", data.edge_index.device if device is None else device)
    estimate = estimate_training_memory(method, data, regularizer=regularizer, device=device)
    check_memory(estimate, method, data, device)

    devices = [device] if device.type == "cuda" else []
    with _ONE_AT_A_TIME, torch.inference_mode(False), torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        method.to(device)
        with _given_back_if_refused(method) as given:
            _draw_anew(method)
            generator = torch.Generator(device).manual_seed(seed)
            # A copy: PyG moves a graph in place.
            data = copy.copy(data).to(str(device))
            # Autograd saves none of inference mode.
            data = data.apply(lambda tensor: tensor.clone() if tensor.is_inference() else tensor)
            identity = {
                **kept_arguments(method, "method"),
                "regularizer": None,
                **({} if regularizer is None else kept_arguments(regularizer, "regularizer")),
                "data": dataset_hash(data),
                "further data": further_hash(data),
                "seed": seed,
            }
            graph = method.prepare(data, generator)
            drawing = getattr(regularizer, "generator", None)
            drawing = drawing if isinstance(drawing, torch.Generator) else None
            loop = TrainingLoop(method, graph, generator, settings, identity, drawing)
            _try_to_embed(method, loop.data, generator, devices)
            if resume and checkpoint is not None and _has_checkpoint(checkpoint):
                loop.restore(load_checkpoint(checkpoint, device=device))
            loop.optimizer.register_step_post_hook(lambda *_: given.clear())
            try:
                loop.run(
                    regularizer=regularizer,
                    callbacks=callbacks,
                    checkpoint=None if checkpoint is None else Path(checkpoint),
                    every=every,
                    deadline=deadline,
                    progress=progress,
                )
            finally:
                release_memory()
        return Pretrained(_embed(method, loop.data).cpu(), loop.history, method)


@contextmanager
def _given_back_if_refused(method: Method) -> Iterator[dict[str, Tensor]]:
    """A method whose training does not come to a step keeps the parameters that it came with.

    Yields:
        These, to be cleared at the first step.
    """
    given = copy.deepcopy(method.state_dict())
    try:
        yield given
    except BaseException:
        if given:
            method.load_state_dict(given)
        raise


@torch.no_grad()
def _draw_anew(method: Method) -> None:
    """Resets a method and raises if that leaves a trainable parameter as it was.

    Parameters are set to NaN before, since many are the same after every reset.
    """
    trained = {name for name, p in method.named_parameters() if p.requires_grad}
    for parameter in method.parameters():
        if parameter.requires_grad:
            parameter.fill_(float("nan"))
    method.reset_parameters()
    after = method.named_parameters()
    left = [name for name, p in after if name in trained and bool(p.isnan().any())]
    if left:
        rule = "one whose reset_parameters() draws all trainable parameters anew"
        reject("pretrain", "method", rule, f"{', '.join(left)} left as before")


def _try_to_embed(
    method: Method, data: Data, generator: torch.Generator, devices: list[torch.device]
) -> None:
    """Raises what embedding would raise after the training, and leaves randomness as it was.

    A method that embeds in its own way may need what its steps leave behind.
    """
    if (type(method).embed, type(method).encode) != (Method.embed, Method.encode):
        return
    if not hasattr(method, "encoder"):
        rule = "set, where a method defines no encode(data)"
        reject(type(method).__name__, "encoder", rule, "no such attribute")
    state = generator.get_state()
    with torch.random.fork_rng(devices=devices):
        _embed(method, data)
    generator.set_state(state)


def _embed(method: Method, data: Data) -> Tensor:
    z = method.embed(data)
    if not isinstance(z, Tensor) or z.dim() != 2 or len(z) != data.num_nodes:
        got = tuple(z.shape) if isinstance(z, Tensor) else type(z).__name__
        rule = f"a function that returns a row for each of the {data.num_nodes} nodes"
        reject(type(method).__name__, "embed", rule, got)
    return z


def _has_checkpoint(path: str | Path) -> bool:
    return Path(path).exists() or previous_checkpoint(path).exists()

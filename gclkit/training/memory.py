"""How much memory a training takes, told before it starts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from gclkit.bounds.blocks import BLOCK_NUMEL, WHOLE_NUMEL
from gclkit.checks import in_bytes, reject_size
from gclkit.encoders import GNNEncoder, Projector
from gclkit.graphs import check_graph
from gclkit.losses import estimate_memory
from gclkit.losses.mixed_infonce import LIVE_ROWS, rows_at_once
from gclkit.methods import MVGRL, Method, ProGCL, TwoViewContrast
from gclkit.ops import choose_backend
from gclkit.ops.memory import available_bytes
from gclkit.regularizers import ProvableTraining

if TYPE_CHECKING:
    from gclkit.training.loop import Regularizer

# Matrices [n, width] that a layer keeps for the backward pass: the input of its activation, the
# output, the noise of rrelu; whichever of them the derivative is written in.
KEPT = {"elu": 2, "identity": 1, "leaky_relu": 2, "prelu": 2, "relu": 1, "rrelu": 3}
# Both views' edges and normalised matrices, and the sorting scratch of one matrix.
EDGE_BYTES = 108
# A CSR matrix turned around in the backward pass: 64-bit indices and values.
TRANSPOSED_BYTES = 20
# Matrices [n, width] alive at once per layer, both views together, at once and in blocks of columns
# that the backward pass recomputes; counted by gclkit.testing.PeakBytes on random graphs.
BOUND_MATRICES = {"published": 23, "pairwise": 36, "certified": 56}
BLOCKED_MATRICES = {"published": 23, "pairwise": 18, "certified": 22}
# Rows [edges, width] of the neighbours from which a budget picks.
BOUND_MESSAGES = {"published": 0, "pairwise": 0, "certified": 9}
# What a similarity takes in the sample to which ProGCL fits its mixture.
FIT_BYTES = 56
# Resident over live bytes of a training on a CPU: the C allocator keeps holes, but maps matrices of
# 32 MiB or more one by one. Measured by examples/benchmarks/bench_memory.py.
HELD_BY_ALLOCATOR = 1.4
HELD_BESIDE_MAPPED = 1.1
MAPPED_BYTES = 2**25
# The same of bounds, whose many short-lived matrices leave most, at once and in blocks; beside the
# messages of the certified ones holes are few.
HELD_AFTER_BOUNDS = {"published": 2.2, "pairwise": 2.2, "certified": 1.4}
HELD_AFTER_BLOCKS = 1.2


class MemoryEstimate(NamedTuple):
    """Bytes at the peak of a training, by what takes them.

    Attributes:
        process: What the process already holds without the graph: the interpreter, libraries
            and parameters. 0 on a device other than the CPU.
        features: The graph.
        views: Features and edges of both views.
        encoder: Activations of encoder and head that wait for the backward pass.
        loss: The contrast, with the gradients of the embeddings.
        pot: The bounds of provable training.
        optimizer: Gradients and moments.
    """

    process: int
    features: int
    views: int
    encoder: int
    loss: int
    pot: int
    optimizer: int

    @property
    def total(self) -> int:
        """The sum."""
        return sum(self)

    def lines(self) -> list[str]:
        """The estimate as a table, in MB."""
        names = ("process base", "features", "views", "encoder activations", "loss", "POT")
        rows = zip((*names, "optimizer", "total"), (*self, self.total), strict=True)
        return [f"{name:<20}{size / 1e6:>12,.1f} MB" for name, size in rows]


def estimate_training_memory(
    method: Method,
    data: Data,
    *,
    regularizer: Regularizer | None = None,
    device: str | torch.device | None = None,
) -> MemoryEstimate:
    """The memory that :func:`~gclkit.training.pretrain` will need at its peak.

    Measured at up to 1.5 times the peak (``examples/benchmarks/bench_memory.py``). Activations and
    bounds are counted of a :class:`~gclkit.encoders.GNNEncoder` alone.

    Args:
        method: The method.
        data: The whole graph.
        regularizer: Counted if it is a :class:`~gclkit.regularizers.ProvableTraining`.
        device: Where training will run. (default: where the graph is)

    Raises:
        ValueError: If the graph is not fit for training.
    """
    check_graph(type(method).__name__, data)
    device = torch.device(device) if device is not None else data.edge_index.device
    n, edges = int(data.num_nodes or 0), data.num_edges
    graph = sum(tensor_bytes(v) for v in data.to_dict().values() if isinstance(v, Tensor))
    process = resident_bytes() - graph if device.type == "cpu" else 0
    encoders = [m for m in method.modules() if isinstance(m, GNNEncoder) and _is_trained(m)]
    inside = {id(part) for encoder in encoders for part in encoder.modules()}
    heads = [m for m in method.modules() if isinstance(m, nn.Linear) and id(m) not in inside]
    # Two views, fp32; a linear map keeps its output and what the activation makes of it.
    activations = 8 * sum(_encoder_numel(encoder, n, edges) for encoder in encoders)
    activations += 8 * 2 * n * sum(head.out_features for head in heads)
    parameters = sum(tensor_bytes(p) for p in method.parameters() if p.requires_grad)
    optimizer = 4 * parameters  # The gradient, two moments and the step.
    pot = _pot_bytes(regularizer, encoders, n, edges, device)
    held = _held(device, n, encoders)
    return MemoryEstimate(
        process=max(0, process),
        features=graph,
        views=int(held * _view_bytes(method, data)),
        encoder=int(held * activations),
        loss=int(held * _loss_bytes(method, encoders, n, device)),
        pot=pot,
        optimizer=int(held * optimizer),
    )


def check_memory(
    estimate: MemoryEstimate, method: Method, data: Data, device: torch.device
) -> None:
    """Raises unless the machine has that much to give.

    Raises:
        ValueError: Names the setting that takes most.
    """
    further = estimate.total - estimate.process
    if device.type == "cpu":
        further -= estimate.features
    free = available_bytes(device)
    if further > free:
        sizes = f"training on n={data.num_nodes}, f={data.num_features} ({in_bytes(free)} free)"
        reject_size(type(method).__name__, further, sizes, _advice(estimate, method, data))


def resident_bytes() -> int:
    """The memory that this process holds; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def tensor_bytes(tensor: Tensor) -> int:
    """Bytes of the entries and indices of a tensor, strided or CSR."""
    if tensor.layout == torch.sparse_csr:
        parts = (tensor.crow_indices(), tensor.col_indices(), tensor.values())
        return sum(part.numel() * part.itemsize for part in parts)
    return tensor.numel() * tensor.itemsize


def _held(device: torch.device, n: int, encoders: list[GNNEncoder]) -> float:
    if device.type != "cpu":
        return 1.0
    narrowest = min((width for encoder in encoders for width in _widths(encoder)), default=0)
    return HELD_BESIDE_MAPPED if 4 * n * narrowest >= MAPPED_BYTES else HELD_BY_ALLOCATOR


def _is_trained(module: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in module.parameters())


def _widths(encoder: GNNEncoder) -> list[int]:
    return [encoder.hidden_channels] * (encoder.num_layers - 1) + [encoder.out_channels]


def _encoder_numel(encoder: GNNEncoder, n: int, edges: int) -> int:
    kept = KEPT[encoder.activation] + (encoder.norm is not None)
    # Only the convolution of gclkit.encoders does without one message per edge.
    messages = 0 if encoder.conv == "gcn" else edges
    return (kept * n + messages) * sum(_widths(encoder))


def _view_bytes(method: Method, data: Data) -> int:
    edges = EDGE_BYTES * data.num_edges
    if isinstance(method, MVGRL):  # Its second view has the edges of the diffusion, with weights.
        edges += EDGE_BYTES * len(data.x) * min(len(data.x), method.diffusion.top_k)
    if data.x.layout == torch.sparse_csr:
        entries = data.x.values().numel()
        return edges + entries * (2 * data.x.values().itemsize + TRANSPOSED_BYTES)
    return edges + tensor_bytes(data.x)  # Views fold their masks; a shuffled one is a copy.


def _loss_bytes(method: Method, encoders: list[GNNEncoder], n: int, device: torch.device) -> int:
    # An encoder of another kind does not tell its width; the projector behind it does.
    heads = [m for m in method.modules() if isinstance(m, Projector)]
    widths = [e.out_channels for e in encoders] or [head.first.in_features for head in heads]
    width = max(widths, default=0)
    # Gradients of what comes in and of the layer before, and what each view's columns keep.
    linear = 7 * 4 * n * width
    if not isinstance(method, TwoViewContrast) or not width:
        return linear
    like = torch.empty(0, width, device=device)
    pairs = estimate_memory(
        n,
        width,
        anchors=method.anchors,
        precision=method.precision,
        backend=choose_backend(type(method).__name__, method.backend, like, method.precision),
        memory_budget=method.memory_budget,
        device=device,
    )
    if isinstance(method, ProGCL):
        pairs += FIT_BYTES * n * method.columns
        if method.variant == "mix":
            budget = None if method.memory_budget is None else method.memory_budget / 2
            rows = rows_at_once("ProGCL", n, 4, budget)
            # Each block of rows leaves the C allocator a hole that the next does not fit into.
            holes = n - rows if device.type == "cpu" else 0
            pairs += 4 * n * (LIVE_ROWS * rows + holes)
    return pairs


def _pot_bytes(
    regularizer: Regularizer | None,
    encoders: list[GNNEncoder],
    n: int,
    edges: int,
    device: torch.device,
) -> int:
    if not isinstance(regularizer, ProvableTraining) or regularizer.kappa == 0:
        return 0
    mode, total = regularizer.mode, 0.0
    for width in _widths(encoders[0]) if encoders else ():
        if n * width <= WHOLE_NUMEL:
            matrices, columns, held = BOUND_MATRICES, width, HELD_AFTER_BOUNDS[mode]
        else:  # The messages of one block at a time.
            columns = min(width, max(1, BLOCK_NUMEL // max(n, edges // 8)))
            matrices, held = BLOCKED_MATRICES, HELD_AFTER_BLOCKS
        numel = matrices[mode] * n * width + BOUND_MESSAGES[mode] * edges * columns
        total += numel * (held if device.type == "cpu" else 1.0)
    return int(4 * total)


def _advice(estimate: MemoryEstimate, method: Method, data: Data) -> str:
    sizes = estimate._asdict()
    largest = max(("views", "encoder", "loss", "pot", "optimizer"), key=lambda name: sizes[name])
    if largest == "views" and data.x.layout == torch.strided:
        return "use features in the CSR layout"
    if largest == "pot":
        return "use the mode 'pairwise', the least, of provable training or smaller out_channels"
    if largest == "loss" and isinstance(method, TwoViewContrast):
        if method.backend == "reference":
            return "use backend='blockwise'"
        if method.memory_budget is not None and method.memory_budget > sizes["loss"] / 2:
            return "use a smaller memory_budget"
    return "use smaller out_channels"

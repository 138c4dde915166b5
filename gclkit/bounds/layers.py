"""What the bounds need to know of an encoder, read off its modules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from gclkit.bounds.modules import (
    SUPPORTED,
    check_methods,
    class_names,
    members,
    numbered_modules,
    require,
    uncompiled,
)
from gclkit.bounds.propagation import Propagation, gcn, gin_sum, sage_mean
from gclkit.checks import check_finite, check_floats, reject, unsupported

Mapped = TypeVar("Mapped")


@dataclass(frozen=True)
class Layer:
    r"""One step :math:`h \mapsto \sigma(P(hW, hR) + b)` of an encoder.

    Args:
        propagation: :math:`P`; ``None`` for a step at the node alone, :math:`\sigma(hW + b)`.
        weight: :math:`W` [d_in, d_out]; ``None`` is the identity.
        root_weight: :math:`R` where the node's own term has other weights; ``None``: :math:`W`.
        bias: :math:`b` [d_out] or ``None``.
        negative_slope: Slope of :math:`\sigma` below zero, in [0, 1]; 1 is the identity.
    """

    propagation: Propagation | None
    weight: Float[Tensor, "d_in d_out"] | None
    root_weight: Float[Tensor, "d_in d_out"] | None
    bias: Float[Tensor, " d_out"] | None
    negative_slope: Float[Tensor, "..."]

    @property
    def summing(self) -> Propagation:
        """The propagation of a layer that has one."""
        assert self.propagation is not None
        return self.propagation

    def by_weights(self, step: Callable[[Tensor | None], Mapped]) -> tuple[Mapped, Mapped]:
        """What a step makes of :math:`W` and of :math:`R`; one object where both are the same."""
        sent = step(self.weight)
        return sent, sent if self.root_weight is None else step(self.root_weight)


@dataclass
class _Draft:
    """A layer while its modules are read: affine steps may still be folded into it."""

    propagation: Propagation | None = None
    weight: Tensor | None = None
    root_weight: Tensor | None = None
    bias: Tensor | None = None
    slope: Tensor | None = None


def check_features(owner: str, layers: Sequence[Layer], x: Tensor) -> Float[Tensor, "n f"]:
    """Returns ``x`` if it is a matrix of the width and in the dtype of the layers, else raises."""
    widths = [layer.weight.size(0) for layer in layers if layer.weight is not None]
    check_floats(owner, "x", x, columns=widths[0] if widths else None, sparse=True)
    for layer in layers:
        if layer.weight is not None and layer.weight.dtype != x.dtype:
            reject(owner, "x", f"of dtype {layer.weight.dtype}, as the encoder is", x.dtype)
    return x


def out_channels(layers: Sequence[Layer], x: Tensor) -> int:
    """The width of the embeddings."""
    widths = [layer.weight.size(1) for layer in layers if layer.weight is not None]
    return widths[-1] if widths else x.size(1)


def describe_layers(owner: str, encoder: Any) -> list[Layer]:
    """Reads an encoder into the steps that the bounds understand.

    Modules are recognised by the name of their class or of a base class, so this works with
    every version of PyG and with subclasses, as long as these compute what their base does.
    Parameters are taken as they are, with gradients.

    Args:
        owner: For messages.
        encoder: An object with a method ``layers()``, or the layers themselves: a sequence of
            ``(conv, activation)``, ``(conv, norm, activation)`` or modules alone, in order.

    Returns:
        The steps, in order. A normalisation in evaluation mode is folded into its layer.

    Raises:
        NotFinite: If a slope is NaN or infinite.
        ValueError: If a module has no bound, naming it and its layer; if a subclass has a
            forward pass or messages of its own; if a slope lies outside [0, 1]; if a
            normalisation or dropout is in training mode.
    """
    steps: list[_Draft] = []
    for where, module in numbered_modules(owner, encoder):
        _read(where, owner, module, steps)
    if not any(step.propagation for step in steps):
        reject(owner, "encoder", "made of at least one GCN, SAGE or GIN layer", "none")
    return [Layer(s.propagation, s.weight, s.root_weight, s.bias, _slope(s, owner)) for s in steps]


def _slope(step: _Draft, owner: str) -> Tensor:
    if step.slope is None:
        return torch.ones((), dtype=torch.float64)
    slope = step.slope
    if not bool(((slope >= 0) & (slope <= 1)).all()):
        check_finite(owner, "negative_slope", slope)
        rule = (
            "in [0, 1] for the lines to hold; clamp a PReLU after every step of its training, as "
            "ProvableTraining.after_step() does"
        )
        reject(owner, "negative_slope", rule, slope.detach().flatten().tolist())
    return slope


def _read(where: str, owner: str, module: Any, steps: list[_Draft]) -> None:
    names = class_names(module)
    check_methods(where, owner, module)
    lazy = isinstance(module, nn.Module) and any(map(is_lazy, module.parameters()))
    require(not lazy, where, owner, f"{type(module).__name__} before its first call")
    if "Identity" in names:
        return
    if "GCNConv" in names:
        steps.append(_gcn(where, owner, module))
    elif "SAGEConv" in names:
        steps.append(_sage(where, owner, module))
    elif "GINConv" in names:
        _check_sums(where, owner, module)
        steps.append(_Draft(gin_sum(module.eps)))
        for inner in _inner(where, owner, module.nn):
            _read(where, owner, inner, steps)
    elif "Linear" in names:
        _linear(module.weight.t(), module.bias, steps)
    elif "BatchNorm1d" in names or "BatchNorm" in names:
        _batch_norm(where, owner, getattr(module, "module", module), steps)
    elif "Dropout" in names:
        require(not module.training or module.p == 0, where, owner, "Dropout in training mode")
    else:
        _activation(where, owner, module, names, steps)


def _inner(where: str, owner: str, module: Any) -> Iterable[Any]:
    """The modules of a GIN network: a sequence, or PyG's MLP taken apart."""
    module = uncompiled(module)
    if "MLP" in class_names(module):
        check_methods(where, owner, module)
        yield nn.Dropout(max(module.dropout)).train(module.training)
        last = len(module.lins) - 1
        for k, linear in enumerate(module.lins):
            yield linear
            if k < last or not module.plain_last:
                norm = [module.norms[k]] if len(module.norms) > k else []
                yield from [module.act, *norm] if module.act_first else [*norm, module.act]
        return
    yield from members(where, owner, module)


def _check_sums(where: str, owner: str, conv: Any, kinds: Sequence[str] = ("add", "sum")) -> None:
    """Raises unless a convolution aggregates in one of some ways, along the edges."""
    name = type(conv).__name__
    require(conv.aggr in kinds, where, owner, f"{name} with aggr={conv.aggr!r}")
    require(conv.flow == "source_to_target", where, owner, f"{name} with flow={conv.flow!r}")


def _gcn(where: str, owner: str, conv: Any) -> _Draft:
    _check_sums(where, owner, conv)
    require(conv.normalize, where, owner, "GCNConv without normalisation")
    require(conv.add_self_loops, where, owner, "GCNConv without self-loops")
    # It would go on with the edges that it saw first, in every view.
    require(not conv.cached, where, owner, "GCNConv with cached=True")
    # PyG gives the loops weight 2 or 1 there, depending on its version.
    require(not conv.improved, where, owner, "GCNConv with improved=True")
    return _Draft(gcn(), conv.lin.weight.t(), None, conv.bias)


def _sage(where: str, owner: str, conv: Any) -> _Draft:
    _check_sums(where, owner, conv, ("mean",))
    require(not conv.normalize, where, owner, "SAGEConv with normalize=True")
    require(not getattr(conv, "project", False), where, owner, "SAGEConv with project=True")
    weight = conv.lin_l.weight.t()
    root = conv.lin_r.weight.t() if conv.root_weight else torch.zeros_like(weight)
    return _Draft(sage_mean(), weight, root, conv.lin_l.bias)


def _linear(weight: Tensor, bias: Tensor | None, steps: list[_Draft]) -> None:
    # A sum over neighbours commutes with a linear map, so the map joins a bare sum.
    if steps and steps[-1].slope is None and steps[-1].weight is None and steps[-1].bias is None:
        steps[-1].weight, steps[-1].bias = weight, bias
    else:
        steps.append(_Draft(None, weight, None, bias))


def _batch_norm(where: str, owner: str, norm: Any, steps: list[_Draft]) -> None:
    mode = "in training mode" if norm.training else "with track_running_stats=False"
    what = f"BatchNorm1d {mode} (its statistics depend on the view)"
    require(not norm.training and norm.running_mean is not None, where, owner, what)
    scale = (norm.running_var + norm.eps).rsqrt()
    scale = scale if norm.weight is None else scale * norm.weight
    shift = -norm.running_mean * scale
    shift = shift if norm.bias is None else shift + norm.bias
    last = steps[-1] if steps else None
    if last is None or last.slope is not None:
        steps.append(_Draft(None, torch.diag(scale), None, shift))
        return
    last.weight = torch.diag(scale) if last.weight is None else last.weight * scale
    last.root_weight = None if last.root_weight is None else last.root_weight * scale
    last.bias = shift if last.bias is None else last.bias * scale + shift


def _activation(where: str, owner: str, module: Any, names: set[str], steps: list[_Draft]) -> None:
    if "ReLU" in names:
        slope = torch.zeros((), dtype=torch.float64)
    elif "LeakyReLU" in names:
        slope = torch.tensor(float(module.negative_slope), dtype=torch.float64)
    elif "PReLU" in names:
        slope = module.weight if module.weight.numel() > 1 else module.weight.reshape(())
    elif "RReLU" in names:
        what = "RReLU in training mode (its slope is random in every pass)"
        require(not module.training, where, owner, what)
        slope = torch.tensor((module.lower + module.upper) / 2, dtype=torch.float64)
    elif module is torch.relu or module is nn.functional.relu:
        slope = torch.zeros((), dtype=torch.float64)
    else:
        what = type(module).__name__ if isinstance(module, nn.Module) else repr(module)
        unsupported(owner, f"{where}, {what}, has no bound", SUPPORTED)
    if not steps or steps[-1].slope is not None:
        steps.append(_Draft())
    steps[-1].slope = slope

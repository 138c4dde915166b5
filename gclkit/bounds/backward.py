r"""Linear lower bounds carried backwards, one vector of coefficients per target node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from gclkit.bounds.blocks import as_row, by_columns
from gclkit.bounds.box import Box, parts
from gclkit.bounds.layers import Layer
from gclkit.bounds.relaxation import Relaxation, relax


class Functional(NamedTuple):
    r"""A lower bound :math:`\Lambda_i \cdot (P(h W, h R))_i + \text{constant}_i` of the
    compactness, at the last layer with neighbours.

    Args:
        layer: Index of that layer.
        coefficients: :math:`\Lambda` [t, d].
        constant: [t].
    """

    layer: int
    coefficients: Float[Tensor, "t d"]
    constant: Float[Tensor, " t"]


def through_activation(
    coefficients: Float[Tensor, "t d"], lines: Relaxation
) -> tuple[Float[Tensor, "t d"], Float[Tensor, " t"]]:
    r"""Replaces :math:`\Lambda \cdot \sigma(y)` by a linear function below it: the lower line
    where a coefficient is positive, the upper line where it is negative.
    """
    _, negative = parts(coefficients)
    slope = coefficients * lines.lower_slope
    if lines.lower_slope is not lines.upper_slope:
        slope = slope + negative * (lines.upper_slope - lines.lower_slope)
    return slope, (negative * lines.upper_shift).sum(dim=-1)


def relaxed(
    layer: Layer, box: Box, coefficients: Float[Tensor, "t d"], *, lower: str = "parallel"
) -> tuple[Float[Tensor, "t d"], Float[Tensor, " t"]]:
    r"""Coefficients and constant of a linear function of :math:`P(hW, hR)` below
    :math:`\Lambda \cdot \sigma(P(hW, hR) + b)`.

    Args:
        layer: The layer.
        box: Bounds before its activation, at the target nodes.
        coefficients: :math:`\Lambda`.
        lower: Kind of lower line, see :func:`gclkit.bounds.relaxation.relax`.
    """

    def step(
        low: Tensor, high: Tensor, coefficients: Tensor, slope: Tensor, bias: Tensor
    ) -> tuple[Tensor, Tensor]:
        lines = relax(Box(low, high), slope, lower=lower)
        coefficients, constant = through_activation(coefficients, lines)
        return coefficients, constant + coefficients @ bias[0]

    d = coefficients.shape[1]
    slope = as_row(layer.negative_slope, d, coefficients)
    bias = as_row(layer.bias, d, coefficients)
    slopes, constant = by_columns(step, *box, coefficients, slope, bias)
    return slopes, constant


def to_last_propagation(
    layers: Sequence[Layer],
    boxes: Sequence[Box],
    coefficients: Float[Tensor, "t d"],
    *,
    lower: str = "parallel",
) -> Functional:
    """Carries a direction of the embedding back to the last layer with neighbours.

    Args:
        layers: The encoder.
        boxes: Bounds before each activation, already at the target nodes.
        coefficients: The direction of each target node, T.
        lower: Kind of lower line, see :func:`gclkit.bounds.relaxation.relax`.
    """
    constant = torch.zeros_like(coefficients[:, 0])
    for k in reversed(range(len(layers))):
        layer = layers[k]
        coefficients, shift = relaxed(layer, boxes[k], coefficients, lower=lower)
        constant = constant + shift
        if layer.propagation is not None:
            return Functional(k, coefficients, constant)
        coefficients = pull_back(coefficients, layer.weight)
    raise AssertionError("describe_layers lets no encoder without neighbours pass")


def pull_back(
    coefficients: Float[Tensor, "t d_out"], weight: Float[Tensor, "d_in d_out"] | None
) -> Float[Tensor, "t d_in"]:
    r""":math:`\Lambda W^\top`: the same linear function, of what went into the map."""
    return coefficients if weight is None else coefficients @ weight.t()

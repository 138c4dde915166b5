"""The temperature of a loss: a number, or a tensor that may be learned."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from gclkit.checks import check_positive, reject
from gclkit.ops.inputs import widen


def check_temperature(owner: str, temperature: float | Tensor) -> float | Tensor:
    """Returns the temperature; a tensor stays what it is, a parameter for instance.

    Raises:
        ValueError: If it is not one positive number with an inverse that fp32 holds.
    """
    value = as_number(temperature)
    if 1.0 / check_positive(owner, "temperature", value) > torch.finfo(torch.float32).max:
        reject(owner, "temperature", "a positive number with a finite inverse", value)
    return temperature if isinstance(temperature, Tensor) else float(temperature)


def inverse_temperature(owner: str, temperature: float | Tensor) -> float | Float[Tensor, ""]:
    """Returns ``1 / temperature``, the scale of cosines; raises as :func:`check_temperature`."""
    checked = check_temperature(owner, temperature)
    return 1.0 / (widen(checked) if isinstance(checked, Tensor) else checked)


def as_number(temperature: float | Tensor) -> Any:
    """Returns the number in a scalar tensor, and what is no tensor as it is."""
    return temperature.tolist() if isinstance(temperature, Tensor) else temperature

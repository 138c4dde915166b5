"""Backward passes that cannot be differentiated again, and say so."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import torch

from gclkit.checks import reject
from gclkit.ops.full_precision import full_precision

R = TypeVar("R")


def first_order(backward: Callable[..., R]) -> Callable[..., R]:
    """Decorates the backward pass of a function that has no second derivative.

    PyTorch's ``once_differentiable`` refuses a second derivative only where the incoming gradient
    has one itself; else the gradient would be a constant in silence, and a penalty on it vanish.

    Raises:
        ValueError: In the backward pass, if its graph is asked for.
    """

    @wraps(backward)
    def run(ctx: Any, *grads: Any) -> R:
        if torch.is_grad_enabled():
            rule = "False: a loss over similarities has no second derivative"
            reject("backward", "create_graph", rule, True)
        return full_precision(backward)(ctx, *grads)

    return run

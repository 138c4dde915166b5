"""Functions that compute in the dtypes that they document, also within ``torch.autocast``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

P = ParamSpec("P")
R = TypeVar("R")


def full_precision(function: Callable[P, R]) -> Callable[P, R]:
    """Decorates a function of tensors that is left out of ``torch.autocast`` and ``torch.compile``.

    Within autocast products would be of another precision than the one asked for, and only those of
    the thread that entered it: narrow products are a setting, ``precision="bfloat16"``. A compiler
    would unroll the loop over the blocks, anew for every size.
    """
    # One or none, in a list: a variable that is bound anew is lost to Dynamo.
    eager: list[Callable[P, R]] = []

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if torch.compiler.is_dynamo_compiling():
            if not eager:  # Not before it is needed: it imports the compiler, which takes seconds.
                eager.append(torch.compiler.disable(run))
            return eager[0](*args, **kwargs)
        values = (*args, *kwargs.values())
        device = next((value.device.type for value in values if isinstance(value, Tensor)), "cpu")
        if not torch.is_autocast_enabled(device):
            return function(*args, **kwargs)
        with torch.autocast(device, enabled=False):
            return function(*args, **kwargs)

    return run

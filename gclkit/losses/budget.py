"""How a loss shares its memory among the operations that it is made of."""

from __future__ import annotations

from torch import Tensor
from typing_extensions import Unpack

from gclkit.ops import BlockOptions
from gclkit.ops.memory import plan_blocks


def plan_calls(
    owner: str,
    z: Tensor,
    rows: int,
    keys: int,
    *,
    nodes: int,
    calls: int = 1,
    advice: str = "",
    **options: Unpack[BlockOptions],
) -> BlockOptions:
    """Returns the options of each of the operations whose blocks wait for one backward pass.

    Args:
        owner: Name of the function that was called, for the message.
        z: Unit rows, on the device and of the width of the computation.
        rows: Number of queries of each operation.
        keys: Number of keys of each operation.
        nodes: Number of nodes, for the message.
        calls: Number of operations.
        advice: What else the caller may change, for the message.
        **options: Those of the loss.

    Raises:
        ValueError: If an option is out of range, or before an allocation that would not fit.
    """
    plan_blocks(owner, z, rows, keys, calls=calls, nodes=nodes, advice=advice, **options)
    budget = options.get("memory_budget")
    return options if budget is None else {**options, "memory_budget": budget / calls}

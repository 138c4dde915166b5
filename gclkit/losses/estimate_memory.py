from __future__ import annotations

import torch

from gclkit.checks import check_choice, check_count, check_positive
from gclkit.ops.inputs import operand
from gclkit.ops.memory import default_block, fitting_block, needed_bytes, plan_workers


def estimate_memory(
    num_nodes: int,
    channels: int,
    *,
    anchors: int | None = None,
    precision: str = "float32",
    backend: str = "blockwise",
    memory_budget: float | None = None,
    block_rows: int | None = None,
    device: str | torch.device = "cpu",
) -> int:
    r"""Bytes that :func:`gclkit.losses.infonce` takes beyond its inputs and their gradients,
    forward and backward.

    Args:
        num_nodes: Number of nodes ``n``; both views are stacked into ``2n`` rows.
        channels: Width ``d`` of the embeddings.
        anchors: As in :func:`gclkit.losses.infonce`.
        precision: As in :func:`gclkit.losses.infonce`.
        backend: ``"reference"``, ``"blockwise"`` or ``"triton"``; which of them ``"auto"`` is,
            :func:`gclkit.ops.choose_backend` tells.
        memory_budget: As in :func:`gclkit.losses.infonce`: blocks are kept up to it. Where the
            estimate is above it, that loss refuses it.
        block_rows: As in :func:`gclkit.losses.infonce`.
        device: Where the loss would run; it decides the default block size.

    Returns:
        An upper estimate, in bytes, for fp32 inputs and any temperature.

    Raises:
        ValueError: If a setting is out of range.
    """
    owner = "estimate_memory"
    keys = 2 * check_count(owner, "num_nodes", num_nodes)
    check_count(owner, "channels", channels)
    check_choice(owner, "backend", backend, ("reference", "blockwise", "triton"))
    rows = keys if anchors is None else min(keys, 2 * check_count(owner, "anchors", anchors))
    place = torch.device(device)
    product = operand(owner, precision, torch.float32, place)
    block = default_block(rows, keys, place, block_rows, owner)

    def needed(block: int) -> int:
        return needed_bytes(
            rows,
            keys,
            channels,
            block=block,
            operand=product,
            backend=backend,
            workers=plan_workers(rows, keys, block=block, device=place),
        )

    if memory_budget is None or backend != "blockwise":
        return needed(block)
    # A symmetric matrix keeps half of its blocks, and the whole of those on the diagonal.
    entries = rows * keys if rows < keys else (keys * keys + keys * min(block, keys)) // 2
    budget = int(check_positive(owner, "memory_budget", memory_budget))
    whole = needed(block) + entries * product.itemsize
    if block_rows is None:
        block = fitting_block(block, needed, budget)
    return max(needed(block), min(budget, whole))

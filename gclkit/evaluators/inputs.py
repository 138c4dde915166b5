"""What every evaluator asks of embeddings and labels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.checks import check_finite, reject
from gclkit.graphs.split import Split, check_split


def check_embeddings(
    owner: str, z: Tensor | np.ndarray, num_nodes: int | None = None
) -> Float[Tensor, "n d"]:
    """Returns ``z`` as a tensor, detached, dense and in floating point, else raises.

    Args:
        owner: Function that the error message names.
        z: Embeddings or features [n, d], a strided or sparse tensor or a NumPy array of any
            memory layout; d is at least 1.
        num_nodes: Number of rows that the graph asks for. (default: any, from 2 on)

    Raises:
        ValueError: If ``z`` is not a matrix of finite numbers with one row per node, or so large
            that its squares overflow: lengths and distances would be infinite.
    """
    if isinstance(z, np.ndarray):
        if z.dtype.kind not in "fiu":
            reject(owner, "z", "real numbers", z.dtype)
        wide = z.dtype.kind == "f" and z.dtype.itemsize >= 8
        # What PyTorch takes without a copy: native bytes in rows, which may be written to.
        z = torch.from_numpy(np.require(z, np.float64 if wide else np.float32, ["C", "W", "E"]))
    if not isinstance(z, Tensor):
        reject(owner, "z", "a tensor [n, d]", type(z).__name__)
    z = z.detach()
    if z.layout != torch.strided:
        z = z.to_dense()
    if z.dim() != 2 or z.size(0) < 2 or z.size(1) < 1:
        reject(owner, "z", "a matrix of one row per node, two or more nodes", tuple(z.shape))
    if num_nodes is not None and z.size(0) != num_nodes:
        reject(owner, "z", f"of {num_nodes} rows, one per node", tuple(z.shape))
    if z.is_complex() or z.dtype == torch.bool:
        reject(owner, "z", "real numbers", z.dtype)
    # Half precision is widened: sums over nodes need the digits.
    z = z if z.dtype in (torch.float32, torch.float64) else z.float()
    if not float(z.square().sum()) < math.inf:
        check_finite(owner, "z", z)
        rule = f"small enough for the sum of its squares in {z.dtype}"
        reject(owner, "z", rule, f"entries up to {float(z.abs().max()):.3g}")
    return z


def check_labels(
    owner: str,
    y: Tensor,
    num_nodes: int,
    splits: Sequence[Split] | None = None,
    *,
    remedy: str = "",
) -> Int[Tensor, " n"]:
    """Returns ``y`` in int64 if it numbers two classes or more from 0 without a gap, else raises.

    Args:
        owner: Function that the error message names.
        y: The labels.
        num_nodes: Number of labels that the graph asks for.
        splits: Only their nodes must have a label; others may be marked as unknown by a negative
            number. (default: all nodes must)
        remedy: What does without the unknown ones, for the message. (default: random splits)

    Raises:
        ValueError: With the first rule that is broken.
    """
    if not isinstance(y, Tensor) or y.shape != (num_nodes,):
        shape = tuple(y.shape) if isinstance(y, Tensor) else type(y).__name__
        remedy = " (y.squeeze(1) is)" if shape == (num_nodes, 1) else ""
        reject(owner, "y", f"one label per node, of shape ({num_nodes},){remedy}", shape)
    if y.is_floating_point() or y.is_complex() or y.dtype == torch.bool:
        reject(owner, "y", "of an integer dtype", y.dtype)
    y = y.detach().to(torch.int64)
    read = [y]
    if splits is not None:
        sound = [check_split(owner, split, num_nodes) for split in splits]
        read = [y[part] for split in sound for part in split]
    lowest = min((int(labels.min()) for labels in read), default=0)
    if lowest < 0:
        if splits is not None:
            remedy = remedy or "random splits, of make_splits or --splits, hold known ones alone"
        reject(owner, "y", f"classes numbered from 0{f' ({remedy})' if remedy else ''}", lowest)
    known = y[y >= 0]
    if known.numel() == 0 or int(known.max()) == 0:
        reject(owner, "y", "labels of two classes or more", "one class")
    if int(known.max()) >= num_nodes or int(torch.bincount(known).min()) == 0:
        present = known.unique()
        missing = (present != torch.arange(len(present), device=y.device)).nonzero()
        rule = "numbered without gaps (torch.unique(y, return_inverse=True)[1] does it)"
        reject(owner, "y", rule, f"no node of class {int(missing[0])}")
    return y

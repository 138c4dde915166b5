"""Named families of node splits: random shares, the published split, a few labels per class."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from jaxtyping import Int
from torch import Tensor
from torch_geometric.data import Data

from gclkit.checks import check_count, check_probability, reject
from gclkit.evaluators.inputs import check_labels
from gclkit.graphs.split import Split, check_split, public_split, random_split, split_hash


def k_shot_split(
    y: Int[Tensor, " n"],
    shots: int,
    *,
    val: float = 0.1,
    generator: torch.Generator | None = None,
    seed: int | None = None,
) -> Split:
    """Draws ``shots`` training nodes of every class, then validation and test nodes at random.

    Args:
        y: Classes, numbered from 0.
        shots: Training nodes per class, at least 1.
        val: Share of all nodes to validate on, in (0, 1).
        generator: Source of randomness. (default: the global generator)
        seed: In place of ``generator``: a seed for a fresh one.

    Returns:
        A split named such as ``"5-shot"``.

    Raises:
        ValueError: If a class has no node left beside its training nodes.
    """
    check_count("k_shot_split", "shots", shots)
    check_probability("k_shot_split", "val", val)
    if seed is not None:
        generator = torch.Generator().manual_seed(seed)
    y = check_labels("k_shot_split", y, len(y))
    order = torch.randperm(len(y), generator=generator)
    sizes = torch.bincount(y.cpu())
    if int(sizes.min()) <= shots:
        small = int(sizes.argmin())
        rule = f"smaller than every class (class {small} has {int(sizes[small])} nodes)"
        reject("k_shot_split", "shots", rule, shots)
    # The rank of each node within its class, in the drawn order.
    by_class = torch.sort(y.cpu()[order], stable=True)
    start = torch.cumsum(sizes, 0) - sizes
    rank = torch.empty(len(y), dtype=torch.int64)
    rank[by_class.indices] = torch.arange(len(y)) - start[by_class.values]
    train, rest = order[rank < shots], order[rank >= shots]
    count = max(1, round(val * len(y)))
    return Split(train, rest[:count], rest[count:], name=f"{shots}-shot")


def make_splits(
    data: Data,
    splits: str | Split | Sequence[Split] = "random",
    *,
    num_splits: int = 10,
    train: float = 0.1,
    val: float = 0.1,
    seed: int = 0,
) -> list[Split]:
    """The splits that a name stands for, the same for every method that is compared on them.

    Args:
        data: A graph with ``y``.
        splits: ``"random"``, ``"stratified"``, ``"public"``, ``"<k>-shot"``, or splits.
        num_splits: How many random or k-shot splits; of published ones, all are taken.
        train: Share of the nodes to train on, for random splits.
        val: Share of the nodes to validate on.
        seed: Split i is drawn under seed + i.

    Raises:
        ValueError: If the name is unknown or the graph cannot be split so.
    """
    if isinstance(splits, Split):
        splits = [splits]
    if not isinstance(splits, str):
        return [check_split("evaluate", split, int(data.num_nodes or 0)) for split in splits]
    check_count("evaluate", "num_splits", num_splits)
    if splits == "public":
        mask = data.get("train_mask")
        several = mask.size(1) if isinstance(mask, Tensor) and mask.dim() == 2 else 1
        return [public_split(data, index) for index in range(several)]
    seeds = range(seed, seed + num_splits)
    if splits.endswith("-shot") and splits.removesuffix("-shot").isdecimal():
        shots = int(splits.removesuffix("-shot"))
        return [k_shot_split(data.y, shots, val=val, seed=s) for s in seeds]
    if splits not in ("random", "stratified"):
        known = "'random', 'stratified', 'public', '<k>-shot' such as '5-shot', or splits"
        reject("evaluate", "splits", f"one of {known}", splits)
    labels = data.y if splits == "stratified" else None
    size = int(data.num_nodes or 0)
    return [random_split(size, train=train, val=val, seed=s, stratify=labels) for s in seeds]


def splits_hash(splits: Sequence[Split]) -> str:
    """A short name of the content of all splits, in order."""
    digest = hashlib.sha256("".join(split_hash(split) for split in splits).encode())
    return digest.hexdigest()[:16]

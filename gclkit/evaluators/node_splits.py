"""Named families of node splits: random shares, a few labels per class, published and redrawn."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from jaxtyping import Int
from torch import Tensor
from torch_geometric.data import Data

from gclkit.checks import check_count, check_one_each, check_probability, reject
from gclkit.evaluators.inputs import check_labels
from gclkit.graphs.check_graph import count_nodes
from gclkit.graphs.split import Split, check_split, public_split, random_split, split_hash


def k_shot_split(
    y: Int[Tensor, " n"], shots: int, *, val: float = 0.1, seed: int | None = None
) -> Split:
    """Draws ``shots`` training nodes of every class, then validation and test nodes at random.

    Args:
        y: Classes, numbered from 0.
        shots: Training nodes per class, at least 1.
        val: Share of all nodes to validate on, in (0, 1).
        seed: Of the draw. (default: the global generator draws)

    Returns:
        A split named such as ``"5-shot"``.

    Raises:
        ValueError: If a class has no node left beside its training nodes.
    """
    check_count("k_shot_split", "shots", shots)
    check_probability("k_shot_split", "val", val)
    count = y.numel() if isinstance(y, Tensor) else 0
    remedy = f"make_splits(data, '{shots}-shot') draws of the known ones alone"
    y = check_labels("k_shot_split", y, count, remedy=remedy)
    order = _shuffled(len(y), seed)
    sizes = torch.bincount(y.cpu())
    if int(sizes.min()) <= shots:
        small = int(sizes.argmin())
        rule = f"smaller than every class (class {small} has {int(sizes[small])} nodes)"
        reject("k_shot_split", "shots", rule, shots)
    first = _first_of_each_class(y.cpu()[order], torch.full_like(sizes, shots))
    train, rest = order[first], order[~first]
    count = max(1, round(val * len(y)))
    return Split(train, rest[:count], rest[count:], name=f"{shots}-shot")


def redrawn_split(data: Data, *, seed: int | None = None) -> Split:
    """Draws a split like the published one from the nodes outside the published test set.

    For choosing between settings: as many training nodes of each class and as many validation
    nodes as published, and all that are left in place of test nodes. Many such draws vary less
    than the one set of published validation nodes, and no published test node is read.

    Args:
        data: A graph with ``y`` and a published split, the first where there are several. Nodes
            whose class a negative number marks as unknown are not drawn.
        seed: Of the draw. (default: the global generator draws)

    Returns:
        A split named ``"redrawn"``.

    Raises:
        ValueError: If the graph has no published split of its nodes, or one whose test set leaves
            no node over.
    """
    size = count_nodes("redrawn_split", data)
    published = check_split("redrawn_split", public_split(data), size)
    y = check_labels("redrawn_split", data.y, size, [published]).cpu()
    free = y >= 0
    free[published.test] = False
    order = free.nonzero()[:, 0]
    order = order[_shuffled(len(order), seed)]
    quota = torch.bincount(y[published.train], minlength=int(y.max()) + 1)
    first = _first_of_each_class(y[order], quota)
    train, rest = order[first], order[~first]
    if len(rest) <= len(published.val):
        rule = f"a graph with more than {len(published.val)} nodes outside training and test set"
        reject("redrawn_split", "data", rule, len(rest))
    return Split(train, rest[: len(published.val)], rest[len(published.val) :], name="redrawn")


def _shuffled(count: int, seed: int | None) -> Int[Tensor, " n"]:
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return torch.randperm(count, generator=generator)


def _first_of_each_class(y: Tensor, quota: Tensor) -> Tensor:
    """Marks the first ``quota[c]`` nodes of each class c."""
    by_class = torch.sort(y, stable=True)
    sizes = torch.bincount(y, minlength=len(quota))
    start = torch.cumsum(sizes, 0) - sizes
    rank = torch.empty_like(y)
    rank[by_class.indices] = torch.arange(len(y)) - start[by_class.values]
    return rank < quota[y]


def make_splits(
    data: Data,
    splits: str | Split | Sequence[Split] = "random",
    *,
    num_splits: int = 10,
    seed: int = 0,
) -> list[Split]:
    """The splits that a name stands for, the same for every method that is compared on them.

    Args:
        data: A graph with ``y``. Nodes whose class a negative number marks as unknown are in no
            split that is drawn.
        splits: ``"random"`` (10/10/80), ``"stratified"``, ``"public"``, ``"redrawn"``
            (:func:`redrawn_split`), ``"<k>-shot"``, or splits.
        num_splits: How many are drawn; of published ones, all are taken.
        seed: Split i is drawn under seed + i.

    Raises:
        ValueError: If the name is unknown, the list empty or the graph cannot be split so.
    """
    if isinstance(splits, Split):
        splits = [splits]
    if not isinstance(splits, str):
        given = splits if isinstance(splits, Sequence) else [splits]
        if not given or not all(isinstance(split, tuple) and len(split) == 3 for split in given):
            rule = "a name, a Split or a list of one Split or more"
            reject("evaluate", "splits", rule, [type(split).__name__ for split in given])
        return [check_split("evaluate", split, count_nodes("evaluate", data)) for split in splits]
    check_count("evaluate", "num_splits", num_splits)
    if splits == "public":
        mask = data.get("train_mask")
        several = mask.size(1) if isinstance(mask, Tensor) and mask.dim() == 2 else 1
        return [public_split(data, index) for index in range(several)]
    seeds = range(seed, seed + num_splits)
    if splits == "redrawn":
        return [redrawn_split(data, seed=s) for s in seeds]
    known, y = _labelled(data)
    if splits.endswith("-shot") and splits.removesuffix("-shot").isdecimal():
        shots = int(splits.removesuffix("-shot"))
        drawn = [k_shot_split(y, shots, seed=s) for s in seeds]
    elif splits in ("random", "stratified"):
        classes = y if splits == "stratified" else None
        drawn = [random_split(len(known), seed=s, stratify=classes) for s in seeds]
    else:
        names = (
            "'random', 'stratified', 'public', 'redrawn', '<k>-shot' such as '5-shot', or splits"
        )
        reject("evaluate", "splits", f"one of {names}", splits)
    return [Split(*(known[part] for part in split), name=split.name) for split in drawn]


def _labelled(data: Data) -> tuple[Int[Tensor, " k"], Int[Tensor, " k"]]:
    """The nodes whose class is not marked as unknown, and their classes."""
    y = check_one_each(
        "evaluate", "y", data.get("y"), count_nodes("evaluate", data), "label per node"
    )
    known = (y.cpu() >= 0).nonzero()[:, 0]
    return known, y.cpu()[known]


def splits_hash(splits: Sequence[Split]) -> str:
    """A short name of the content of all splits, in order."""
    digest = hashlib.sha256("".join(split_hash(split) for split in splits).encode())
    return digest.hexdigest()[:16]

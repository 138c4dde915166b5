"""Node splits: who trains the probe, who chooses its settings, who is read once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor
from torch_geometric.data import Data

from gclkit.checks import check_count, check_one_each, check_probability, reject

MASKS = ("train_mask", "val_mask", "test_mask")


class _Parts(NamedTuple):
    train: Int[Tensor, " a"]
    val: Int[Tensor, " b"]
    test: Int[Tensor, " c"]


class Split(_Parts):
    """Three disjoint, non-empty sets of node indices.

    Args:
        train: Nodes that a probe is fitted on.
        val: Nodes that its settings are chosen on.
        test: Nodes that are read once, at the end.
        name: What the split is called in a report, such as ``"random-10-10-80"``.

    Raises:
        ValueError: If a part is empty, holds something else than node indices, or shares a
            node with another part or with itself.
    """

    name: str

    def __new__(cls, train: Tensor, val: Tensor, test: Tensor, *, name: str = "custom") -> Split:
        parts = []
        for part, index in zip(("train", "val", "test"), (train, val, test), strict=True):
            if not isinstance(index, Tensor) or index.dim() != 1:
                reject("Split", part, "a one-dimensional tensor of node indices", index)
            if index.is_floating_point() or index.is_complex() or index.dtype == torch.bool:
                reject("Split", part, "of an integer dtype", index.dtype)
            if index.numel() == 0:
                reject("Split", part, "a set of at least one node", "none")
            if int(index.min()) < 0:
                reject("Split", part, "node indices of at least 0", int(index.min()))
            parts.append(index.to("cpu", torch.int64))
        nodes, counts = torch.cat([part.cpu() for part in parts]).unique(return_counts=True)
        if int(counts.max()) > 1:
            twice = int(nodes[counts > 1][0])
            reject("Split", "train, val, test", "disjoint", f"node {twice} more than once")
        split = super().__new__(cls, *parts)
        split.name = name
        return split

    @classmethod
    def _make(cls, iterable: Iterable[Tensor]) -> Split:  # type: ignore[override]
        """What ``_replace`` builds a changed split with, which is checked like any other."""
        return cls(*iterable)


def check_split(owner: str, split: Split, num_nodes: int) -> Split:
    """Returns ``split`` if all its nodes exist, else raises a ``ValueError``."""
    if not isinstance(split, Split):
        split = Split(*split)
    for part, index in zip(split._fields, split, strict=True):
        if int(index.max()) >= num_nodes:
            reject(owner, part, f"node indices below {num_nodes}", int(index.max()))
    return split


def random_split(
    num_nodes: int,
    *,
    train: float = 0.1,
    val: float = 0.1,
    generator: torch.Generator | None = None,
    seed: int | None = None,
    stratify: Int[Tensor, " n"] | None = None,
) -> Split:
    """Draws a split: ``train`` and ``val`` as shares of the nodes, the rest for testing.

    Args:
        num_nodes: Number of nodes, at least 3.
        train: Share of the nodes to train on, in (0, 1).
        val: Share of the nodes to validate on, in (0, 1); ``train + val`` stays below 1.
        generator: Source of randomness. (default: the global generator)
        seed: In place of ``generator``: a seed for a fresh one.
        stratify: Labels. Each class is then split by the same shares.

    Returns:
        A split named after its shares, such as ``"random-10-10-80"``.

    Raises:
        ValueError: If the shares leave a part without nodes, if ``stratify`` is not one label
            per node, or if both ``generator`` and ``seed`` are given.
    """
    owner = "random_split"
    check_count(owner, "num_nodes", num_nodes, at_least=3)
    check_probability(owner, "train", train)
    check_probability(owner, "val", val)
    if not train + val < 1:
        reject(owner, "train + val", "below 1, to leave nodes for testing", train + val)
    if seed is not None:
        if generator is not None:
            reject(owner, "seed", "None where a generator is given", seed)
        generator = torch.Generator().manual_seed(check_count(owner, "seed", seed, at_least=0))
    device = generator.device if generator is not None else torch.device("cpu")
    order = torch.randperm(num_nodes, generator=generator, device=device).cpu()
    if stratify is None:
        groups = [order]
    else:
        check_one_each(owner, "stratify", stratify, num_nodes, "label per node")
        labels = stratify.cpu()[order]
        groups = [order[labels == label] for label in labels.unique()]
    parts: tuple[list[Tensor], ...] = ([], [], [])
    for group in groups:
        first, second = round(train * len(group)), round((train + val) * len(group))
        for part, nodes in zip(
            parts, (group[:first], group[first:second], group[second:]), strict=True
        ):
            part.append(nodes)
    for name, part in zip(("train", "val", "test"), parts, strict=True):
        if not sum(map(len, part)):
            reject(owner, name, "large enough for one node or more", f"{train}, {val}: none left")
    shares = "-".join(f"{100 * share:.4g}" for share in (train, val, 1 - train - val))
    name = f"random-{shares}" + ("-stratified" if stratify is not None else "")
    return Split(*(torch.cat(part) for part in parts), name=name)


def has_public_split(data: Data) -> bool:
    """Whether a graph holds the three masks of a split that was published with it."""
    return all(name in data and data[name] is not None for name in MASKS)


def public_split(data: Data, index: int = 0) -> Split:
    """Reads the split that the authors of a dataset published with it.

    Args:
        data: A graph with ``train_mask``, ``val_mask`` and ``test_mask``, each [n] or, where
            several splits are published, [n, s] (``test_mask`` may be shared).
        index: Which of several splits, from 0.

    Returns:
        The split, named ``"public"``, or ``"public-<index>"`` where there are several.

    Raises:
        ValueError: If the graph has no masks, or no split of that index.
    """
    owner = "public_split"
    check_count(owner, "index", index, at_least=0)
    if not has_public_split(data):
        reject(owner, "data", f"a graph with a published split ({', '.join(MASKS)})", data)
    masks: list[Tensor] = [data[name] for name in MASKS]
    for name, mask in zip(MASKS, masks, strict=True):
        if not isinstance(mask, Tensor) or mask.dtype != torch.bool or mask.dim() not in (1, 2):
            reject(owner, name, "a boolean mask of one or two dimensions", mask)
    several = max(mask.size(1) if mask.dim() == 2 else 1 for mask in masks)
    if index >= several:
        reject(owner, "index", f"below {several}, the number of published splits", index)
    parts = [(mask if mask.dim() == 1 else mask[:, index]).nonzero().flatten() for mask in masks]
    return Split(*parts, name="public" if several == 1 else f"public-{index}")


def split_hash(split: Split) -> str:
    """A short name of the content of a split: equal sets of nodes give equal hashes."""
    digest = hashlib.sha256()
    for part in split:
        digest.update(f"{len(part)};".encode())
        digest.update(part.cpu().to(torch.int64).sort().values.numpy().astype("<i8").tobytes())
    return digest.hexdigest()[:16]

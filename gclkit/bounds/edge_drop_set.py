"""The set of views that a bound speaks of: symmetric edge dropping with a budget per node."""

from __future__ import annotations

from functools import cached_property
from numbers import Real

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gclkit.bounds.sparse import pattern
from gclkit.checks import (
    check_count,
    check_edges,
    check_indices,
    check_one_each,
    check_probability,
    reject,
)
from gclkit.sparse import csr_tensor, sparse_product


def edge_budget(degree: Int[Tensor, " n"], p: float) -> Int[Tensor, " n"]:
    r"""Edges that each node may lose: :math:`\delta_i = \min(\max(d_i - 1, 0),
    \mathrm{round}(p \, d_i))`, rounding half to even, in fp64.

    Args:
        degree: :math:`d_i`, edges per node without the self-loop.
        p: Drop rate in [0, 1].

    Raises:
        ValueError: If ``p`` is not a probability.
    """
    p = check_probability("edge_budget", "p", p)
    return torch.minimum((degree - 1).clamp(min=0), (degree.double() * p).round().long())


class EdgeDropSet:
    r"""All views :math:`E' \subseteq E` in which node :math:`i` loses at most
    :math:`\delta_i` edges.

    Dropping is symmetric: both directions of an edge vanish together, so each drop counts
    against the budget of both ends, and an edge can vanish only if both have one.

    Args:
        edge_index: :math:`E`, both directions of every edge, no self-loops, no duplicates.
        num_nodes: :math:`n`.
        budget: :math:`\delta` [n], or a drop rate for :func:`edge_budget`.
        owner: For messages.

    Attributes:
        edge_index: The edges as they were given.
        target, source: The directed edges [e], sorted by target, then source.
        degree: :math:`d` [n].
        budget: :math:`\delta` [n].
        symmetric: False once enlarged by a view that dropped one direction only; then any
            edge may vanish.

    Raises:
        ValueError: If the graph is directed, holds self-loops or duplicates, or names nodes
            that do not exist; if a budget is negative or exceeds the degree.
    """

    def __init__(
        self,
        edge_index: Int[Tensor, "2 e"],
        num_nodes: int,
        budget: Int[Tensor, " n"] | float,
        *,
        owner: str = "EdgeDropSet",
    ) -> None:
        self.owner = owner
        self.num_nodes = num_nodes = check_count(owner, "num_nodes", num_nodes, at_least=0)
        self.edge_index = edge_index
        self.keys = _sorted_keys(owner, "edge_index", edge_index, num_nodes)
        self.target, self.source = self.keys // num_nodes, self.keys % num_nodes
        mirrored = (self.source * num_nodes + self.target).sort().values
        if not torch.equal(mirrored, self.keys):
            one_way = int((~torch.isin(mirrored, self.keys)).sum())
            rule = "undirected, with both directions of every edge"
            reject(owner, "edge_index", rule, f"{one_way} edges in one direction only")
        self.degree = torch.bincount(self.target, minlength=num_nodes)
        self.symmetric = True
        self.budget = _budget(owner, budget, self.degree)

    @cached_property
    def droppable(self) -> Bool[Tensor, " e"]:
        """Edges that some view of the set lacks: both ends have a budget."""
        if not self.symmetric:
            return torch.ones_like(self.target, dtype=torch.bool)
        has = self.budget > 0
        return has[self.target] & has[self.source]

    @cached_property
    def mirror(self) -> Int[Tensor, " e"]:
        """Position of the other direction of each edge."""
        return torch.searchsorted(self.keys, self.source * self.num_nodes + self.target)

    @cached_property
    def pattern(self) -> tuple[Tensor, Tensor]:
        """Row starts and columns of every :meth:`matrix`."""
        return pattern(self.target, self.source, (self.num_nodes, self.num_nodes))

    @cached_property
    def usable_budget(self) -> Int[Tensor, " n"]:
        r"""Edges that a node can really lose: :math:`\min(\delta_i, |R_i|)`, with :math:`R_i`
        its droppable edges.
        """
        return torch.minimum(self.budget, self.count(self.droppable))

    def count(self, chosen: Bool[Tensor, " e"]) -> Int[Tensor, " n"]:
        """Chosen edges per target node."""
        return torch.bincount(self.target[chosen], minlength=self.num_nodes)

    def kept(
        self, view_edge_index: Int[Tensor, "2 e2"], name: str = "view_edge_index"
    ) -> Bool[Tensor, " e"]:
        """Which edges a view holds.

        Raises:
            ValueError: If the view has an edge that the graph lacks.
        """
        keys = _keys(self.owner, name, view_edge_index, self.num_nodes)
        # Looked up, not sorted: this runs for every view of a training loop.
        position = torch.searchsorted(self.keys, keys).clamp(max=max(0, len(self.keys) - 1))
        strange = keys.numel()
        if len(self.keys):
            strange = int((self.keys[position] != keys).sum())
        if strange:
            rule = "a view of 'edge_index', without edges of its own"
            reject(self.owner, name, rule, f"{strange} edges that the graph lacks")
        kept = torch.zeros_like(self.target, dtype=torch.bool)
        kept[position] = True
        twice = keys.numel() - int(kept.sum())
        if twice:
            reject(self.owner, name, "free of duplicate edges", f"{twice} duplicates")
        return kept

    def is_of(self, edge_index: Int[Tensor, "2 e"]) -> bool:
        """Whether these are the edges of the graph, in any order."""
        if edge_index is self.edge_index:  # As in a training loop: nothing to sort.
            return True
        keys = _keys(self.owner, "edge_index", edge_index, self.num_nodes)
        return torch.equal(keys.sort().values, self.keys)

    def dropped(self, kept: Bool[Tensor, " e"]) -> Int[Tensor, " n"]:
        """Edges that each node lost."""
        return self.degree - self.count(kept)

    def enlarged(self, kept: Bool[Tensor, " e"]) -> EdgeDropSet:
        r"""The smallest set of this kind that also holds the view:
        :math:`\delta_i \leftarrow \max(\delta_i, \text{edges dropped at } i)`.
        """
        larger = object.__new__(EdgeDropSet)
        shared = "owner num_nodes edge_index keys target source degree mirror pattern".split()
        larger.__dict__.update({name: getattr(self, name) for name in shared})
        larger.budget = torch.maximum(self.budget, self.dropped(kept))
        larger.symmetric = self.symmetric and bool((kept == kept[self.mirror]).all())
        return larger

    def matrix(self, values: Float[Tensor, " e"]) -> Tensor:
        """A ``torch.sparse_csr`` matrix [n, n] with one value per edge, row = target."""
        return csr_tensor(*self.pattern, values, (self.num_nodes, self.num_nodes))

    def product(self, matrix: Tensor, dense: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """``matrix @ dense`` for a matrix of :meth:`matrix`, differentiable in ``dense``."""
        return sparse_product(matrix, dense, self.mirror)


def _keys(
    owner: str, name: str, edge_index: Int[Tensor, "2 e"], num_nodes: int
) -> Int[Tensor, " e"]:
    """One number per edge, in the given order, of edges that name nodes and are not loops."""
    source, target = check_indices(owner, name, check_edges(owner, edge_index), num_nodes)
    loops = int((source == target).sum())
    if loops:
        reject(owner, name, "free of self-loops", f"{loops} self-loops")
    return target * num_nodes + source


def _sorted_keys(
    owner: str, name: str, edge_index: Int[Tensor, "2 e"], num_nodes: int
) -> Int[Tensor, " e"]:
    keys = _keys(owner, name, edge_index, num_nodes).sort().values
    twice = int((keys[1:] == keys[:-1]).sum())
    if twice:
        reject(owner, name, "free of duplicate edges", f"{twice} duplicates")
    return keys


def _budget(
    owner: str, budget: Int[Tensor, " n"] | float, degree: Int[Tensor, " n"]
) -> Int[Tensor, " n"]:
    if isinstance(budget, float | Real):
        return edge_budget(degree, check_probability(owner, "p", budget))
    check_one_each(owner, "budget", budget, len(degree), "integer per node")
    if budget.is_floating_point():
        reject(owner, "budget", "of an integer dtype", budget.dtype)
    outside = int(((budget < 0) | (budget > degree)).sum())
    if outside:
        reject(owner, "budget", "between 0 and the degree", f"{outside} nodes outside")
    return budget.long()

"""What a community detection returns."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Int
from torch import Tensor


@dataclass(frozen=True)
class Partition:
    """A division of the nodes into disjoint communities.

    Attributes:
        membership: The community of each node, in ``[0, num_communities)``.
        num_communities: How many communities there are; none is empty.
        modularity: Newman's modularity of the division, at most 1.
    """

    membership: Int[Tensor, " n"]
    num_communities: int
    modularity: float

    def __repr__(self) -> str:
        return (
            f"Partition(num_nodes={self.membership.numel()}, "
            f"num_communities={self.num_communities}, modularity={self.modularity:.4f})"
        )

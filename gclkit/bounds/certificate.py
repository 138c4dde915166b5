"""A certificate of a trained encoder: bound, sampled and searched minimum of every node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.bounds.attack import sampled_minimum, searched_minimum
from gclkit.bounds.by_count import check_boxes
from gclkit.bounds.compactness import node_compactness
from gclkit.bounds.edge_drop_set import EdgeDropSet
from gclkit.bounds.forward import trace_view
from gclkit.bounds.layers import check_features, describe_layers
from gclkit.bounds.modules import numbered_modules, repeatable
from gclkit.bounds.replay import check_replay, own_embeddings
from gclkit.bounds.report import SetReport, describe_set, nodes_in_reach
from gclkit.bounds.targets import target_vectors
from gclkit.checks import check_count, check_positive, check_probability, reject


class Certificate(NamedTuple):
    """Compactness of nodes along their own clean embeddings.

    Args:
        nodes: The nodes, all with a droppable edge in reach.
        clean: Compactness on the whole graph.
        bound: Certified lower bound over the set.
        sampled: Smallest value over random views of full budget.
        searched: Smallest value that the gradient search found.
        degree: Degrees.
        norm: Mean norm of the clean embeddings, over all nodes.
        drops: What the set allows.
    """

    nodes: Int[Tensor, " t"]
    clean: Float[Tensor, " t"]
    bound: Float[Tensor, " t"]
    sampled: Float[Tensor, " t"]
    searched: Float[Tensor, " t"]
    degree: Int[Tensor, " t"]
    norm: float
    drops: SetReport

    @property
    def found(self) -> Float[Tensor, " t"]:
        """The smallest value known of each node."""
        return torch.minimum(self.sampled, self.searched)

    @property
    def gap(self) -> float:
        """Mean distance from the bound to the smallest value known, in mean clean
        compactness; shrinking or growing all embeddings leaves it alone.
        """
        return float((self.found - self.bound).mean() / self.clean.mean())

    @property
    def certified_share(self) -> float:
        """Share of the nodes whose bound is positive."""
        return float((self.bound > 0).float().mean())

    def to_dict(self) -> dict[str, Any]:
        """The figures, as plain values."""
        return {
            "nodes": len(self.nodes),
            "certified_positive": self.certified_share,
            "found_positive": float((self.found > 0).float().mean()),
            "mean_clean": float(self.clean.mean()),
            "mean_found": float(self.found.mean()),
            "mean_bound": float(self.bound.mean()),
            "gap": self.gap,
            "mean_norm": self.norm,
            **self.drops._asdict(),
        }


@torch.no_grad()
def certify(
    encoder: Any,
    x: Float[Tensor, "n f"],
    edge_index: Int[Tensor, "2 e"],
    *,
    p: float,
    num_nodes: int | None = None,
    tightness: str = "two_hop",
    num_views: int = 200,
    rounds: int = 6,
    seed: int = 0,
    memory_budget: float | None = None,
    log: Callable[[str], object] | None = None,
) -> Certificate:
    """Bounds the compactness of the nodes that edge dropping can change, and attacks it.

    Args:
        encoder: See :func:`gclkit.bounds.node_compactness`. It is also run, on the whole graph:
            an encoder with a forward pass as ``encoder(x, edge_index)``.
        x: Features.
        edge_index: The graph.
        p: Drop rate that sets the budgets.
        num_nodes: Nodes drawn of those in reach. (default: all)
        tightness: See :func:`gclkit.bounds.node_compactness`.
        num_views: Views of the sampled minimum.
        rounds: Rounds of the searched minimum.
        seed: Of nodes and views.
        memory_budget: Bytes that the boxes of ``"two_hop"`` may take, one for each range of lost
            edges; more is refused before they are made. (default: what the machine has)
        log: Takes a line before each step. (default: none is told)

    Raises:
        ValueError: As :func:`gclkit.bounds.node_compactness`, if no edge can vanish, if the
            encoder computes something else than its layers do.
    """
    check_count("certify", "num_views", num_views, at_least=0)
    check_count("certify", "rounds", rounds)
    check_probability("certify", "p", p)
    encoder = repeatable(encoder)
    layers = describe_layers("certify", encoder)
    depth = sum(layer.propagation is not None for layer in layers)
    drops = EdgeDropSet(edge_index, x.shape[0], p, owner="certify")
    generator = torch.Generator(device=edge_index.device).manual_seed(seed)
    nodes = nodes_in_reach(drops, depth).nonzero()[:, 0]
    if not len(nodes):
        reject("certify", "p", "large enough for some node to lose an edge", p)
    if num_nodes is not None and check_count("certify", "num_nodes", num_nodes) < len(nodes):
        order = torch.randperm(len(nodes), generator=generator, device=nodes.device)
        nodes = nodes[order[:num_nodes]].sort().values
    check_features("certify", layers, x)
    if memory_budget is not None:
        check_positive("certify", "memory_budget", memory_budget)
    if tightness == "two_hop":
        check_boxes("certify", layers, x, drops, memory_budget)
    tell = log or (lambda line: None)
    whole = torch.ones_like(drops.droppable)
    z = trace_view(layers, x, drops, whole)[-1].after.lower
    rule = (
        "what its layers compute, with nothing beside them such as a hook, a residual or a "
        "normalization of z"
    )
    modules = [module for _, module in numbered_modules("certify", encoder)]
    own = own_embeddings("certify", encoder, x, edge_index)
    check_replay("certify", "encoder", rule, z, own, modules)
    directions = target_vectors(z, nodes=nodes)
    attacked = (layers, x, directions, drops)
    tell(f"bounds of {len(nodes)} nodes, tightness {tightness}")
    bound = node_compactness(
        encoder,
        x,
        edge_index,
        targets=z,
        mode="certified",
        nodes=nodes,
        tightness=tightness,
        drops=drops,
    )
    tell(f"their minimum over {num_views} sampled views")
    sampled = sampled_minimum(*attacked, nodes=nodes, num_views=num_views, generator=generator)
    tell(f"their worst views, searched for in {rounds} rounds")
    return Certificate(
        nodes,
        (directions * z[nodes]).sum(dim=-1),
        bound,
        sampled,
        searched_minimum(*attacked, nodes=nodes, rounds=rounds),
        drops.degree[nodes],
        float(z.norm(dim=-1).mean()),
        describe_set(drops, num_layers=depth, p=p, seed=seed),
    )

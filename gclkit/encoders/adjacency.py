"""The propagation matrix of a view, built once and used by every layer."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gclkit.checks import check_edges, reject
from gclkit.sparse import csr_tensor


def gcn_adjacency(
    edge_index: Int[Tensor, "2 e"],
    edge_weight: Float[Tensor, " e"] | None,
    num_nodes: int,
    *,
    dtype: torch.dtype = torch.float32,
) -> Float[Tensor, "n n"]:
    r"""The normalised adjacency :math:`\tilde D^{-1/2} (A + I) \tilde D^{-1/2}` as CSR.

    From "Semi-supervised Classification with Graph Convolutional Networks"
    (`arXiv:1609.02907 <https://arxiv.org/abs/1609.02907>`_). Row :math:`i` gathers what
    flows into node :math:`i`, and degrees count what flows in, as PyG's ``GCNConv`` does.
    Nodes that have a self-loop keep its weight (of several, that of the last), all others get
    one of weight 1. A negative degree has no root: on a CPU it is refused, elsewhere, where
    looking would wait for the device, its entries are NaN as in PyG.

    Args:
        edge_index: Sources and targets.
        edge_weight: One weight per edge. (default: 1 each)
        num_nodes: Number of nodes :math:`n`.
        dtype: Of the values.

    Raises:
        ValueError: If the edges name nodes that do not exist, or the weights do not fit.
    """
    check_edges("gcn_adjacency", edge_index, num_nodes)
    source, target = edge_index
    nodes = torch.arange(num_nodes, device=source.device)
    wide = torch.promote_types(dtype, torch.float32)  # bf16 stops counting at 256.
    weight = torch.ones(source.numel(), dtype=wide, device=source.device)
    if edge_weight is not None:
        if edge_weight.shape != source.shape:
            rule = f"one weight per edge, of shape {tuple(source.shape)}"
            reject("gcn_adjacency", "edge_weight", rule, tuple(edge_weight.shape))
        weight = edge_weight.to(wide)
    position, loop = torch.arange(source.numel(), device=source.device), source == target
    last = torch.full_like(nodes, -1)
    last.scatter_reduce_(0, source, torch.where(loop, position, -1), "amax")
    weight = weight * (~loop | (position == last[source]))
    source, target = torch.cat([source, nodes]), torch.cat([target, nodes])
    weight = torch.cat([weight, (last < 0).to(wide)])
    degree = torch.zeros(num_nodes, dtype=wide, device=source.device).index_add_(0, target, weight)
    if edge_weight is not None and degree.device.type == "cpu" and bool((degree < 0).any()):
        node = int(degree.argmin())
        got = f"{float(degree[node]):.3g} into node {node}"
        reject("gcn_adjacency", "edge_weight", "of a sum of at least 0 into each node", got)
    scale = degree.rsqrt().masked_fill(degree == 0, 0)
    value = scale[source] * weight * scale[target]
    value = value.to(dtype)
    # 32-bit indices make the sparse-dense products twice as fast on a CPU.
    order = torch.argsort(target.to(torch.int32), stable=True)  # Half the time of 64 bits.
    row_start = torch.zeros(num_nodes + 1, dtype=torch.int32, device=source.device)
    row_start[1:] = torch.bincount(target, minlength=num_nodes).cumsum(0)
    return csr_tensor(
        row_start, source[order].to(torch.int32), value[order], (num_nodes, num_nodes)
    )

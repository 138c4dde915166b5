"""Personalised PageRank as a second view of a graph, sparse from the first step to the last."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform

from gclkit.augmentations.centrality import check_weights
from gclkit.checks import check_count, check_non_negative, check_positive, check_probability, reject
from gclkit.graphs.check_graph import check_graph, count_nodes


def personalized_pagerank(
    edge_index: Int[Tensor, "2 e"],
    num_nodes: int,
    *,
    alpha: float = 0.2,
    top_k: int = 64,
    threshold: float = 0.0,
    tolerance: float = 3e-4,
    edge_weight: Float[Tensor, " e"] | None = None,
    block_rows: int = 256,
) -> tuple[Int[Tensor, "n k"], Float[Tensor, "n k"]]:
    r"""The largest entries of each row of the diffusion matrix.

    .. math::
        S = \alpha \big( I - (1 - \alpha) \tilde D^{-1/2} \tilde A \tilde D^{-1/2} \big)^{-1}
        = \tilde D^{1/2} \Pi \tilde D^{-1/2}, \qquad \tilde A = A + I

    The rows of :math:`\Pi`, walks that restart with probability :math:`\alpha`, are found by
    pushing mass from a block of nodes at a time over sparse rows; nothing is ever dense.
    Mass below :obj:`tolerance` at a node is not pushed on, nor where no neighbour would get more
    than 1/256 of that, as at a hub, so that the time of a row does not grow with the graph: an
    entry of :math:`\Pi` is never too large, and too small by at most the mass that its row has
    given up.

    Args:
        edge_index: Sources and targets.
        num_nodes: Number of nodes :math:`n`.
        alpha: Chance to restart, in (0, 1].
        top_k: Entries kept per row, at least 1; no more than nodes.
        threshold: Entries of :math:`S` below it become 0.
        tolerance: Smallest mass that is pushed on, above 0.
        edge_weight: One weight per edge. (default: 1 each)
        block_rows: Rows that are diffused at a time.

    Returns:
        Columns and values, by falling value; a row of fewer entries repeats its own node
        with value 0. Values are float64.

    Raises:
        ValueError: For settings out of range, edges between nodes that do not exist, or
            weights that are not one finite number of at least 0 per edge.
    """
    owner = "personalized_pagerank"
    if check_probability(owner, "alpha", alpha) == 0:
        reject(owner, "alpha", "above 0", alpha)
    top_k = min(check_count(owner, "top_k", top_k), num_nodes)
    check_non_negative(owner, "threshold", threshold)
    check_positive(owner, "tolerance", tolerance)
    check_count(owner, "block_rows", block_rows)
    weight = check_weights(owner, edge_index, num_nodes, edge_weight)
    walk, degree = _random_walk(edge_index, weight, num_nodes)
    column = np.repeat(np.arange(num_nodes)[:, None], top_k, axis=1)
    value = np.zeros((num_nodes, top_k))
    inverse_root = sp.diags(degree**-0.5)
    for start in range(0, num_nodes, block_rows):
        rows = np.arange(start, min(start + block_rows, num_nodes))
        mass = _push(walk, rows, alpha, tolerance)
        mass = sp.diags(degree[rows] ** 0.5) @ mass @ inverse_root
        _keep_largest(mass, column[rows[0] :], value[rows[0] :], threshold)
    device = edge_index.device
    return torch.from_numpy(column).to(device), torch.from_numpy(value).to(device)


def _random_walk(
    edge_index: Tensor, weight: Tensor, num_nodes: int
) -> tuple[sp.csr_matrix, np.ndarray]:
    source, target = edge_index.cpu().numpy()
    entries = (weight.cpu().numpy(), (source, target))
    matrix = sp.csr_matrix(entries, shape=(num_nodes, num_nodes))
    matrix = matrix + sp.eye(num_nodes, format="csr")
    degree = np.asarray(matrix.sum(axis=1)).reshape(-1)
    return (sp.diags(1 / degree) @ matrix).tocsr(), degree


def _push(walk: sp.csr_matrix, rows: np.ndarray, alpha: float, tolerance: float) -> sp.csr_matrix:
    shape = (rows.size, walk.shape[0])
    residual = sp.csr_matrix((np.ones(rows.size), (np.arange(rows.size), rows)), shape=shape)
    settled = sp.csr_matrix(shape)
    likeliest = np.maximum.reduceat(walk.data, walk.indptr[:-1])  # No row is empty.
    while residual.nnz:
        settled = settled + alpha * residual
        residual = (1 - alpha) * residual
        # What is too small to be pushed on stays unsettled, so that no entry is too large.
        in_vain = residual.data * likeliest[residual.indices] < tolerance / 256
        if in_vain.any():
            residual.data[in_vain] = 0.0
            residual.eliminate_zeros()
        residual = residual @ walk
        residual.data[residual.data < tolerance] = 0.0
        residual.eliminate_zeros()
    return settled


def _keep_largest(
    mass: sp.spmatrix, column: np.ndarray, value: np.ndarray, threshold: float
) -> None:
    mass = mass.tocoo()
    # Ties go to the smaller column, so that the result does not depend on the order.
    order = np.lexsort((mass.col, -mass.data, mass.row))
    row, found, size = mass.row[order], mass.col[order], mass.data[order]
    rank = np.arange(row.size) - np.searchsorted(row, row)
    kept = (rank < value.shape[1]) & (size >= threshold)
    column[row[kept], rank[kept]], value[row[kept], rank[kept]] = found[kept], size[kept]


class Diffusion(BaseTransform):
    r"""Writes the largest entries of each row of the diffusion matrix.

    The second view of MVGRL (`arXiv:2006.05582 <https://arxiv.org/abs/2006.05582>`_), see
    :func:`personalized_pagerank`. Written per node, so that they are sliced with a batch:

    * ``diffusion_column`` [n, k], columns in the numbering of the whole graph;
    * ``diffusion_value`` [n, k];
    * ``node_id`` [n], the number of each node in the whole graph.

    :func:`diffusion_view` makes a graph of them.

    Args:
        alpha: Chance to restart, in (0, 1].
        top_k: Entries kept per node, and no more than nodes: graphs that are to be batched need
            as many nodes at least.
        threshold: Entries below it become 0.
        tolerance: Smallest mass that is pushed on.

    Raises:
        ValueError: For settings out of range, or an invalid graph.
    """

    def __init__(
        self,
        *,
        alpha: float = 0.2,
        top_k: int = 64,
        threshold: float = 0.0,
        tolerance: float = 3e-4,
    ) -> None:
        self.alpha = check_probability("Diffusion", "alpha", alpha)
        if alpha == 0:
            reject("Diffusion", "alpha", "above 0", alpha)
        self.top_k = check_count("Diffusion", "top_k", top_k)
        self.threshold = check_non_negative("Diffusion", "threshold", threshold)
        self.tolerance = check_positive("Diffusion", "tolerance", tolerance)

    def forward(self, data: Data) -> Data:
        check_graph("Diffusion", data, require_features=False, require_edges=False)
        n = count_nodes("Diffusion", data)
        column, value = personalized_pagerank(
            data.edge_index,
            n,
            alpha=self.alpha,
            top_k=self.top_k,
            threshold=self.threshold,
            tolerance=self.tolerance,
            edge_weight=data.get("edge_weight"),
        )
        x = data.get("x")
        dtype = x.dtype if x is not None and x.dtype.is_floating_point else torch.float32
        data.diffusion_column, data.diffusion_value = column, value.to(dtype)
        data.node_id = torch.arange(n, device=column.device)
        return data

    def __repr__(self) -> str:
        return (
            f"Diffusion(alpha={self.alpha}, top_k={self.top_k}, threshold={self.threshold}, "
            f"tolerance={self.tolerance})"
        )


def diffusion_view(data: Data) -> Data:
    """The graph or batch with the diffusion in place of its edges.

    Args:
        data: A graph on which :class:`Diffusion` was applied, a batch of one, whose entries that
            lead out of the batch are left out, or a batch of several such graphs.

    Returns:
        ``x``, ``edge_index`` and ``edge_weight``: row ``i`` of the diffusion flows into node
        ``i``, and its diagonal is a self-loop.

    Raises:
        ValueError: If the graph has no diffusion.
    """
    column, value = data.get("diffusion_column"), data.get("diffusion_value")
    if column is None or value is None:
        rule = "a graph with 'diffusion_column': apply gclkit.augmentations.Diffusion first"
        reject("diffusion_view", "data", rule, data)
    node_id = data.node_id
    if data.get("batch") is not None:
        # Graphs are numbered from 0 each: a block of numbers of its own keeps them apart.
        block = data.batch * (torch.maximum(node_id.max(), column.max()) + 1)
        node_id, column = node_id + block, column + block[:, None]
    node_id, order = node_id.sort()
    place = torch.searchsorted(node_id, column).clamp(max=node_id.numel() - 1)
    kept = (node_id[place] == column) & (value > 0)
    target = torch.arange(column.size(0), device=column.device)[:, None].expand_as(column)
    edge_index = torch.stack([order[place][kept], target[kept]])
    return Data(x=data.x, edge_index=edge_index, edge_weight=value[kept], num_nodes=data.num_nodes)

"""Edges to train on, to choose with and to test on, with pairs that are not edges beside them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor
from torch_geometric.data import Data

from gclkit.atomic import replacing
from gclkit.checks import check_edges, check_probability, reject
from gclkit.evaluators.edge_sampling import sample_non_edges, sample_two_hop, undirected_codes
from gclkit.graphs.check_graph import check_graph, count_nodes
from gclkit.graphs.npz import NpzFile


@dataclass(frozen=True, eq=False)
class EdgeSplit:
    """Undirected pairs of nodes, each once with the smaller node first, [2, pairs].

    Args:
        num_nodes: Nodes of the graph.
        train: Edges that the encoder may see.
        val: Held-out edges that settings are chosen on.
        test: Held-out edges that are read once.
        val_negative: Pairs without an edge, drawn uniformly, as many as ``val``.
        test_negative: As many as ``test``.
        val_hard: Pairs without an edge at two hops in the training graph; may be fewer, and
            some may be among the uniform ones.
        test_hard: The same for testing.
        name: Shares in percent, such as ``"85-5-10"``.

    Raises:
        ValueError: If a node does not exist, a pair is not ordered, is listed twice among the
            edges, the uniform or the hard pairs, or is both an edge and a pair without one.
    """

    num_nodes: int
    train: Int[Tensor, "2 a"]
    val: Int[Tensor, "2 b"]
    test: Int[Tensor, "2 c"]
    val_negative: Int[Tensor, "2 b"]
    test_negative: Int[Tensor, "2 c"]
    val_hard: Int[Tensor, "2 h"]
    test_hard: Int[Tensor, "2 i"]
    name: str = "custom"

    def __post_init__(self) -> None:
        codes = {}
        for part in _PARTS:
            pairs = getattr(self, part)
            if not isinstance(pairs, Tensor) or pairs.dim() != 2 or pairs.size(0) != 2:
                reject("EdgeSplit", part, "pairs of nodes [2, pairs]", pairs)
            if pairs.dtype != torch.int64:
                reject("EdgeSplit", part, "of dtype torch.int64", pairs.dtype)
            if pairs.numel() == 0 and not part.endswith("hard"):
                reject("EdgeSplit", part, "a set of one pair or more", "none")
            if pairs.numel() and not 0 <= int(pairs.min()) <= int(pairs.max()) < self.num_nodes:
                reject("EdgeSplit", part, f"nodes from 0 to {self.num_nodes - 1}", int(pairs.max()))
            if bool((pairs[0] >= pairs[1]).any()):
                reject("EdgeSplit", part, "pairs with the smaller node first", "others")
            codes[part] = pairs[0] * self.num_nodes + pairs[1]
        edges = torch.cat([codes[part] for part in _EDGES])
        for parts in (_EDGES, _UNIFORM, _HARD):
            together = torch.cat([codes[part] for part in parts])
            if len(together.unique()) < len(together):
                reject("EdgeSplit", ", ".join(parts), "disjoint", "a pair more than once")
        for part in (*_UNIFORM, *_HARD):
            if bool(torch.isin(codes[part], edges).any()):
                reject("EdgeSplit", part, "pairs without an edge", "an edge")

    def training_graph(self, data: Data) -> Data:
        """The graph that a method may train on: features, training edges, nothing else.

        Edge weights of the training edges are kept; labels, masks and whatever was computed
        from all edges (communities, strengths) are left behind.

        Raises:
            ValueError: If the edges of the graph are not those that were split.
        """
        check_edge_split("EdgeSplit", self, data)
        both = torch.cat([self.train, self.train.flip(0)], dim=1)
        order = (both[0] * self.num_nodes + both[1]).argsort()
        graph = Data(x=data.x, edge_index=both[:, order], num_nodes=self.num_nodes)
        weight = data.get("edge_weight")
        if weight is not None:
            codes = (data.edge_index[0] * self.num_nodes + data.edge_index[1]).cpu()
            ordered = codes.sort()
            wanted = graph.edge_index[0] * self.num_nodes + graph.edge_index[1]
            graph.edge_weight = weight[ordered.indices[torch.searchsorted(ordered.values, wanted)]]
        graph.edge_index = graph.edge_index.to(data.edge_index.device)
        return graph

    @property
    def hash(self) -> str:
        """A short name of the content."""
        digest = hashlib.sha256(str(self.num_nodes).encode())
        for part in _PARTS:
            pairs = getattr(self, part).cpu().contiguous()
            digest.update(f"{part}{tuple(pairs.shape)}".encode() + pairs.numpy().tobytes())
        return digest.hexdigest()[:16]

    def save(self, path: str | Path) -> None:
        """Writes the split to an ``.npz`` file of plain arrays, in one step."""
        arrays = {part: getattr(self, part).cpu().numpy() for part in _PARTS}
        with replacing(path) as file:
            np.savez(file, num_nodes=np.int64(self.num_nodes), name=np.str_(self.name), **arrays)

    @classmethod
    def load(cls, path: str | Path) -> EdgeSplit:
        """Reads what :meth:`save` wrote; nothing in the file is ever executed.

        Raises:
            ValueError: If the file is something else.
            OSError: If it cannot be read.
        """
        path = Path(path)
        file = NpzFile("EdgeSplit", path)
        rule = "a file written by EdgeSplit.save"
        wanted = {"num_nodes": "iu", "name": "U", **dict.fromkeys(_PARTS, "iu")}
        if not wanted.keys() <= file.keys():
            reject("EdgeSplit", "path", rule, str(path))
        arrays = {key: file[key] for key in wanted}
        for key, kinds in wanted.items():
            dimensions = 2 if key in _PARTS else 0
            if arrays[key].dtype.kind not in kinds or arrays[key].ndim != dimensions:
                reject("EdgeSplit", "path", rule, f"{path}: {key}")
        parts = {part: torch.from_numpy(arrays[part].astype(np.int64)) for part in _PARTS}
        return cls(num_nodes=int(arrays["num_nodes"]), name=str(arrays["name"]), **parts)


_EDGES = ("train", "val", "test")
_UNIFORM = ("val_negative", "test_negative")
_HARD = ("val_hard", "test_hard")
_PARTS = (*_EDGES, *_UNIFORM, *_HARD)


def check_edge_split(owner: str, split: EdgeSplit, data: Data) -> EdgeSplit:
    """Returns ``split`` if its edges are those of the graph, else raises a ``ValueError``."""
    if not isinstance(split, EdgeSplit):
        rule = "the edge split that the embeddings were trained on"
        reject(owner, "edge_split", rule, type(split).__name__)
    rule, n = "the graph whose edges were split", split.num_nodes
    found = count_nodes(owner, data)
    if found != n:
        reject(owner, "data", f"{rule}, of {n} nodes", found)
    edges = undirected_codes(check_edges(owner, data.edge_index, n), n)
    parts = undirected_codes(torch.cat([split.train, split.val, split.test], dim=1), n)
    if not torch.equal(edges, parts):
        reject(owner, "data", rule, "other edges")
    return split


def split_edges(data: Data, *, val: float = 0.05, test: float = 0.10, seed: int = 0) -> EdgeSplit:
    """Holds out edges of an undirected graph, and draws as many pairs that are not edges.

    Args:
        data: The graph; both directions of each edge.
        val: Share of the undirected edges to validate on, in (0, 1).
        test: Share to test on, in (0, 1); ``val + test`` stays below 1.
        seed: Of the draws.

    Raises:
        ValueError: If the graph is directed, or too small for one edge in each part or too
            dense for as many pairs without an edge.
    """
    owner = "split_edges"
    check_graph(owner, data, require_features=False, require_undirected=True)
    for name, share in (("val", val), ("test", test)):
        if not 0 < check_probability(owner, name, share) < 1:
            reject(owner, name, "a share between 0 and 1", share)
    if not val + test < 1:
        reject(owner, "val + test", "below 1, to leave edges for training", val + test)
    n = count_nodes(owner, data)
    codes = undirected_codes(data.edge_index, n)
    count = len(codes)
    held = [round(val * count), round(test * count)]
    if min(held) < 1 or count - sum(held) < 1:
        reject(owner, "data", "a graph with edges enough for three parts", f"{count} edges")
    free = n * (n - 1) // 2 - count
    if free < sum(held):
        reject(owner, "data", f"a graph with {sum(held)} pairs without an edge", free)
    generator = torch.Generator().manual_seed(seed)
    order = codes[torch.randperm(count, generator=generator)]
    parts = order.split([held[0], held[1], count - sum(held)])
    negative = sample_non_edges(codes, n, sum(held), generator)
    hard = sample_two_hop(parts[2], codes, n, sum(held), generator)
    first = len(hard) * held[0] // sum(held)
    shares = "-".join(f"{100 * share:.4g}" for share in (1 - val - test, val, test))

    def pairs(code: Tensor) -> Tensor:
        code = code.sort().values
        return torch.stack([code // n, code % n])

    return EdgeSplit(
        num_nodes=n,
        train=pairs(parts[2]),
        val=pairs(parts[0]),
        test=pairs(parts[1]),
        val_negative=pairs(negative[: held[0]]),
        test_negative=pairs(negative[held[0] :]),
        val_hard=pairs(hard[:first]),
        test_hard=pairs(hard[first:]),
        name=shares,
    )

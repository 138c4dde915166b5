"""Link prediction: the method is trained on the training edges and sees nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor
from torch_geometric.data import Data

from gclkit.checks import check_choice, reject
from gclkit.evaluators.decoders import DECODERS
from gclkit.evaluators.edge_split import EdgeSplit, split_edges
from gclkit.evaluators.inputs import check_embeddings
from gclkit.evaluators.ranking_scores import auc, ranking_scores


@dataclass(frozen=True)
class LinkScores:
    """Scores of one set of embeddings on the held-out edges of one edge split.

    Args:
        decoder: The decoder that won on the validation pairs.
        val_auc: Its AUC there.
        scores: Its scores against uniform negatives on the test pairs: ``auc``, ``ap``,
            ``hits@10``, ``hits@50``, ``hits@100``, ``mrr``.
        hard: The same against negatives at two hops; empty where the graph has none.
        by_decoder: Test scores of every decoder, with its ``val_auc``. They are for reading;
            choosing among them would choose on the test pairs.
        edge_split: The split.
    """

    decoder: str
    val_auc: float
    scores: dict[str, float]
    hard: dict[str, float]
    by_decoder: dict[str, dict[str, float]]
    edge_split: EdgeSplit


@dataclass(frozen=True)
class LinkPrediction:
    """Trains on the training edges, then ranks held-out edges against pairs without an edge.

    Args:
        val: Share of the undirected edges to validate on.
        test: Share to test on.
        decoders: Of ``"dot"``, ``"cosine"``, ``"logistic"``, ``"mlp"``; the one with the best
            validation AUC gives the scores.
        seed: Of the edge split and of the learned decoders.

    Example:
        >>> from gclkit.graphs import load
        >>> data = load("sbm", num_nodes=300, log=None)
        >>> scores = LinkPrediction(decoders=("cosine",))(lambda graph: graph.x, data)
        >>> scores.decoder
        'cosine'
    """

    val: float = 0.05
    test: float = 0.10
    decoders: tuple[str, ...] = ("dot", "cosine", "logistic", "mlp")
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.decoders:
            reject("LinkPrediction", "decoders", "one decoder or more", self.decoders)
        for decoder in self.decoders:
            check_choice("LinkPrediction", "decoders", decoder, DECODERS)

    @property
    def protocol(self) -> str:
        """What a report says about this task."""
        return (
            "trained on the training edges only; decoder "
            f"from {{{', '.join(self.decoders)}}} on validation AUC; "
            "one uniform negative per held-out edge, two-hop negatives beside"
        )

    def __call__(self, train: Callable[[Data], Tensor | np.ndarray], data: Data) -> LinkScores:
        """Splits the edges, trains and scores.

        Args:
            train: Receives a graph of the features and the training edges, and returns
                embeddings [n, d], a tensor or a NumPy array. Communities, strengths and drop
                weights are for it to compute from that graph.
            data: The whole graph; held-out edges are read for scoring only.
        """
        if isinstance(train, Data) or not callable(train):  # PyG's graphs are callable.
            reject("LinkPrediction", "train", "a function of a graph", type(train).__name__)
        split = split_edges(data, val=self.val, test=self.test, seed=self.seed)
        return self.score(train(split.training_graph(data)), split)

    def score(self, z: Float[Tensor, "n d"] | np.ndarray, split: EdgeSplit) -> LinkScores:
        """Scores embeddings that were trained on the training edges of ``split``, and only those.

        Raises:
            ValueError: If no edge split is given, or the embeddings do not fit it.
        """
        if not isinstance(split, EdgeSplit):
            rule = "the edge split that the embeddings were trained on"
            reject("LinkPrediction", "split", rule, type(split).__name__)
        z = check_embeddings("LinkPrediction", z, split.num_nodes)
        found, hard = {}, {}
        for name in self.decoders:
            scorer = DECODERS[name](z, split, self.seed)
            val_auc = auc(scorer(split.val), scorer(split.val_negative))
            positive = scorer(split.test)
            scores = ranking_scores(positive, scorer(split.test_negative))
            found[name] = {"val_auc": val_auc, **scores}
            hard[name] = (
                ranking_scores(positive, scorer(split.test_hard)) if split.test_hard.numel() else {}
            )
        best = max(found, key=lambda name: found[name]["val_auc"])
        scores = {key: value for key, value in found[best].items() if key != "val_auc"}
        return LinkScores(best, found[best]["val_auc"], scores, hard[best], found, split)

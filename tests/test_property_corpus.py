"""Every public callable on every graph of the corpus: a result, or the one kind of error.

``WAYS`` says how each is called; a test holds it against what the rooms export. Settings are
drawn too, out of range now and then. A case that takes longer than its limit ends the test run
with a traceback, since compiled code cannot be interrupted otherwise.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import pkgutil
import random
import re
import sys
import warnings

import numpy as np
import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data

import gclkit
from gclkit import augmentations as aug
from gclkit import (
    bounds,
    communities,
    encoders,
    evaluators,
    graphs,
    losses,
    methods,
    ops,
    reports,
    training,
)
from gclkit import regularizers as reg
from gclkit.testing.graphs import CONVERTIBLE, MALFORMED, MISLABELED, SOUND, huge_graph

SECONDS_PER_CASE = 60
SEEDS = (0, 1)
CORPUS = {**SOUND, **CONVERTIBLE, **MALFORMED, **MISLABELED}
# Entries that are not finite, or whose products are not.
WILD = {"NaN", "infinity", "huge features", "NaN weight"}
OWNER = re.compile(r"[A-Za-z_][\w.]*: \S")
ROOMS = ("augmentations", "bounds", "communities", "encoders", "evaluators", "graphs", "losses")
ROOMS += ("methods", "ops", "regularizers", "reports", "training")


class Skip(Exception):
    """The graph has nothing that this callable takes."""


class Case:
    """A graph of the corpus, and settings drawn for one call on it."""

    def __init__(self, name: str, seed: int, owner: str) -> None:
        self.name, self.seed = name, seed
        self.data = CORPUS[name](seed)
        self.draw = random.Random(f"{name} {seed} {owner}")
        self.tame = name not in WILD

    @property
    def generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed)

    def tensor(self, name: str) -> Tensor:
        value = self.data.get(name)
        if not isinstance(value, Tensor):
            raise Skip
        return value

    @property
    def x(self) -> Tensor:
        return self.tensor("x")

    @property
    def other(self) -> Tensor:
        """Rows as wide as ``x``, in another order where that can be had."""
        return self.x.flip(0) if self.x.layout == torch.strided else self.x.clone()

    @property
    def width(self) -> int:
        if self.x.dim() < 2:
            raise Skip
        return self.x.size(1)

    @property
    def scores(self) -> Tensor:
        """Numbers in [0, 1], some of them 0, as many as there are nodes."""
        return (torch.rand(self.n, generator=self.generator) * 1.5 - 0.5).clamp(min=0)

    @property
    def edge_index(self) -> Tensor:
        return self.tensor("edge_index")

    @property
    def n(self) -> int:
        return self.x.size(0)

    def pick(self, *values):
        return self.draw.choice(values)

    def p(self) -> float:
        value = self.draw.choice([0.0, 0.3, 0.3, 0.5, 0.9, 1.0, 1.5, -0.1, float("nan"), True])
        return value

    def membership(self) -> Tensor:
        kind = self.pick("blocks", "one", "each", "gaps", "short", "float", "negative")
        n = self.n
        return {
            "blocks": torch.arange(n) % 3,
            "one": torch.zeros(n, dtype=torch.int64),
            "each": torch.arange(n),
            "gaps": torch.arange(n) % 2 * 5,
            "short": torch.zeros(max(n - 1, 0), dtype=torch.int64),
            "float": torch.zeros(n),
            "negative": torch.arange(n) - 1,
        }[kind]

    def per_node(self) -> Tensor:
        return torch.rand(self.n, generator=self.generator)

    def prepared(self, needs: str) -> Data:
        """The graph with what an augmentation reads, where that can be had; else as it is."""
        add = communities.AddCommunities(seed=self.seed)
        with contextlib.suppress(ValueError):
            return (add if needs == "communities" else aug.AddCentrality())(self.data)
        return self.data


def tensors(value):
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Data):
        yield from tensors(list(value.to_dict().values()))
    elif isinstance(value, dict):
        for part in value.values():
            yield from tensors(part)
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from tensors(part)


def check_result(case: Case, result: object) -> None:
    for value in tensors(result):
        entries = value.values() if value.layout == torch.sparse_csr else value
        if case.tame and entries.is_floating_point() and entries.layout == torch.strided:
            assert bool(entries.isfinite().all()), f"not finite: {entries}"


@contextlib.contextmanager
def limited():
    faulthandler.dump_traceback_later(SECONDS_PER_CASE, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def outcome(way, case: Case) -> str:
    """Makes one call; returns "result", "refusal" or "skip", and lets any other end through."""
    with limited(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check_result(case, way(case))
        except Skip:
            return "skip"
        except ValueError as refusal:
            text = str(refusal)
            assert OWNER.match(text) and "\n" not in text, f"no owner, or not one line: {text!r}"
            return "refusal"
    return "result"


# How each public callable is called on a case.


def _augment(make, needs="communities"):
    def way(case):
        data = case.prepared(needs) if case.draw.random() < 0.8 else case.data
        view = make(case)(data)
        x = data.get("x")
        if isinstance(x, Tensor):
            assert view.x.shape == x.shape and view.x.dtype == x.dtype
        if isinstance(view.edge_index, Tensor) and view.edge_index.dim() == 2:
            assert view.edge_index.size(1) <= data.edge_index.size(1)
        return view

    return way


def _central(function, **options):
    def way(case):
        given = {key: value(case) for key, value in options.items()}
        weight = case.data.get("edge_weight")
        return function()(case.edge_index, case.n, edge_weight=weight, **given)

    return way


def _diffused(case):
    return aug.Diffusion(alpha=case.pick(0.2, 0.9, 0.0, 1.5), top_k=case.pick(4, 64))(case.data)


def _encoder(case, channels=4):
    torch.manual_seed(case.seed)
    return encoders.GCNEncoder(case.width, channels, num_layers=case.pick(1, 2))


def _masked(case):
    """A view that sees some of its feature columns."""
    keep = torch.rand(1, case.width, generator=case.generator) < 0.7
    return Data(x=case.x, edge_index=case.edge_index, feature_keep=keep)


def _gnn(case):
    torch.manual_seed(case.seed)
    encoder = encoders.GNNEncoder(
        case.width,
        case.pick(1, 4),
        num_layers=case.pick(1, 2, 3),
        activation=case.pick("relu", "prelu", "leaky_relu", "rrelu", "elu"),
        norm=case.pick(None, "batch", "layer"),
        conv=case.pick("gcn", "sage", "gin", "gat"),
    )
    z = encoder(case.x, case.edge_index, case.data.get("edge_weight"))
    assert z.shape[0] == case.n
    return z


TEMPERATURES = (0.1, 0.5, 1.0, 1e-3, 0.0, -1.0, float("nan"))


def _weight(similarity):
    return 0.5 + similarity.sigmoid()


def _pair(function, **choices):
    def way(case):
        options = {name: case.pick(*values) for name, values in choices.items()}
        return function()(case.x, case.other, **options)

    return way


def _contrast(function, *more):
    def way(case):
        z1 = case.x
        z2 = z1 if case.draw.random() < 0.3 else case.other
        options = {
            "temperature": case.pick(0.1, 0.5, 0.5, 1e-4, 0.0, -1.0, float("nan")),
            "anchors": case.pick(None, None, 1, 3, 0, 10**6),
            "backend": case.pick("auto", "reference", "blockwise", "fast"),
            "generator": case.generator,
        }
        return function(
            z1, z2, *(extra(case) for extra in more), **_more_options(function, case), **options
        )

    return way


def _more_options(function, case):
    return {"gamma": case.pick(0.0, 0.5, 1.0, -1.0)} if function is losses.team_up else {}


def _module(make, *more, **forward):
    def way(case):
        module = make(case)
        return module(case.x, case.other, *(extra(case) for extra in more), **forward)

    return way


def _sums(function, pair=False):
    def way(case):
        arguments = [case.x, case.other] if pair else [case.x]
        exclude = case.pick(None, torch.arange(case.n), torch.full((case.n,), case.n))
        return function(
            *arguments,
            case.pick(1.0, 5.0, 1e3, 0.0, float("nan")),
            exclude=exclude,
            backend=case.pick("auto", "reference", "blockwise", "fast"),
            block_rows=case.pick(None, 7, 0),
        )

    return way


def _strength(case):
    return communities.community_strength(
        case.edge_index,
        case.membership(),
        num_nodes=case.pick(None, case.n),
        edge_weight=case.data.get("edge_weight"),
    )


def _detect(case):
    algorithm = case.pick("leiden", "leiden", "louvain", "label_propagation", "fastest")
    part = communities.detect(
        case.data, algorithm=algorithm, seed=case.seed, resolution=case.pick(1.0, 0.5, 0.0, -1.0)
    )
    assert part.membership.shape == (case.n,)
    assert -1 <= part.modularity <= 1 and part.num_communities >= 1
    return part


def _drops(case):
    return bounds.EdgeDropSet(case.edge_index, case.n, case.pick(0.0, 0.3, 1.0, 2.0))


def _compactness(case):
    encoder = _encoder(case)
    targets = torch.randn(case.n, 4, generator=case.generator)
    return bounds.node_compactness(
        encoder,
        case.x,
        case.edge_index,
        targets=targets,
        p=case.pick(0.0, 0.4, 1.0, -1.0),
        mode=case.pick("published", "pairwise", "certified", "tight"),
        view_edge_index=case.pick(None, case.edge_index),
    )


def _regularizer(case):
    encoder = _encoder(case)
    regularizer = reg.ProvableTraining(
        encoder=encoder,
        edge_index=case.edge_index,
        num_nodes=case.n,
        p=case.pick(0.3, (0.2, 0.4), 1.0, -1.0),
        kappa=case.pick(0.0, 0.4, 1.0, 2.0),
        mode=case.pick("published", "pairwise", "certified"),
        generator=case.generator,
    )
    z = encoder(case.x, case.edge_index)
    view = (case.x, case.edge_index, z)
    return regularizer(z.square().sum(), view, view)


def _method(name, *, views=("edge_p", "temperature"), **options):
    def way(case):
        torch.manual_seed(case.seed)
        given = {key: value(case) if callable(value) else value for key, value in options.items()}
        given |= {name: value for name, value in _view_options(case).items() if name in views}
        method = getattr(methods, name)(case.width, out_channels=4, **given)
        data = method.prepare(case.data, case.generator)
        out = method.step(data, 1)
        out.loss.backward()
        method.after_step(1)
        z = method.embed(data)
        assert z.shape == (case.n, 4)
        return [out.loss, out.terms, z]

    return way


def _view_options(case):
    return {
        "edge_p": case.pick((0.2, 0.4), (0.0, 1.0), (2.0, 0.1)),
        "temperature": case.pick(0.5, 0.1),
    }


def _pretrain(case):
    channels = case.width
    method = methods.GRACE(channels, out_channels=4, projection_channels=4)
    result = training.pretrain(
        method,
        case.data,
        epochs=case.pick(1, 2, 0),
        lr=case.pick(0.01, 1e-3, -1.0),
        warmup=case.pick(0, 1),
        max_grad_norm=case.pick(None, 1.0, 0.0),
        seed=case.seed,
    )
    assert result.embeddings.shape == (case.n, 4) and len(result.history) >= 1
    return result.embeddings


def _split(case):
    parts = case.edge_index.flatten()[:18].unique().split(3)[:3]
    if len(parts) < 3:
        raise Skip
    return graphs.Split(*parts)


def _split_of(case):
    return graphs.random_split(max(case.n, 3), train=0.4, val=0.3, seed=case.seed)


def _probe(case):
    probe = evaluators.LinearProbe(strengths=(0.1, 1.0), max_iter=20)
    scores = probe(case.x, case.tensor("y"), _split_of(case))
    assert 0 <= scores.accuracy <= 1
    return scores


def _evaluate(case):
    return evaluators.evaluate(
        case.x,
        case.data,
        tasks=case.pick(("classification",), ("classification",), ("everything",)),
        splits=case.pick("random", _split_of(case), "public", "nonsense"),
        num_splits=case.pick(1, 2, 0),
        probe=evaluators.LinearProbe(strengths=(1.0,), max_iter=20),
    )


def _load(case):
    return graphs.load(case.data, prepare=case.pick(True, False), log=None)


def _published(case):
    data = case.data
    data.train_mask = torch.arange(20) < 5
    data.val_mask, data.test_mask = data.train_mask.roll(5), data.train_mask.roll(10)
    return data


def _public_split(case):
    return graphs.public_split(_published(case), index=case.pick(0, 0, 1, -1))


WAYS = {
    "augmentations.AdaptiveEdgeDrop": _augment(
        lambda case: aug.AdaptiveEdgeDrop(case.p(), generator=case.generator), "centrality"
    ),
    "augmentations.AdaptiveFeatureMask": _augment(
        lambda case: aug.AdaptiveFeatureMask(case.p(), generator=case.generator), "centrality"
    ),
    "augmentations.AddCentrality": lambda case: aug.AddCentrality(
        case.pick("degree", "pagerank", "eigenvector", "fame"),
        absolute_features=case.pick(True, False),
    )(case.data),
    "augmentations.BudgetedEdgeDrop": _augment(
        lambda case: aug.BudgetedEdgeDrop(case.p(), generator=case.generator)
    ),
    "augmentations.CommunalAttributeVoting": _augment(
        lambda case: aug.CommunalAttributeVoting(case.p(), generator=case.generator)
    ),
    "augmentations.CommunalEdgeDropping": _augment(
        lambda case: aug.CommunalEdgeDropping(
            case.p(), symmetric=case.pick(True, False), generator=case.generator
        )
    ),
    "augmentations.Diffusion": lambda case: _diffused(case),
    "augmentations.EdgeDrop": _augment(
        lambda case: aug.EdgeDrop(
            case.p(), symmetric=case.pick(True, False), generator=case.generator
        )
    ),
    "augmentations.FeatureMask": _augment(
        lambda case: aug.FeatureMask(case.p(), generator=case.generator)
    ),
    "augmentations.FeatureShuffle": _augment(
        lambda case: aug.FeatureShuffle(generator=case.generator)
    ),
    "augmentations.adaptive_drop_probability": lambda case: aug.adaptive_drop_probability(
        case.scores, case.p(), threshold=case.pick(0.7, 1.0, 2.0)
    ),
    "augmentations.degree_centrality": _central(lambda: aug.degree_centrality),
    "augmentations.diffusion_view": lambda case: aug.diffusion_view(_diffused(case)),
    "augmentations.drop_weight": lambda case: aug.drop_weight(case.scores),
    "augmentations.eigenvector_centrality": _central(lambda: aug.eigenvector_centrality),
    "augmentations.feature_centrality": lambda case: aug.feature_centrality(
        case.x, case.scores, absolute=case.pick(True, False)
    ),
    "augmentations.lazy_walk_centrality": _central(lambda: aug.lazy_walk_centrality),
    "augmentations.pagerank": _central(lambda: aug.pagerank),
    "augmentations.permute_rows": lambda case: aug.permute_rows(
        case.x, torch.randperm(case.n, generator=case.generator)
    ),
    "augmentations.personalized_pagerank": _central(
        lambda: aug.personalized_pagerank, top_k=lambda case: case.pick(4, 64, 0)
    ),
    "augmentations.communal_drop_probability": lambda case: aug.communal_drop_probability(
        case.scores, case.p(), threshold=case.pick(0.7, 1.0, 2.0)
    ),
    "augmentations.communal_keep_probability": lambda case: aug.communal_keep_probability(
        case.scores, case.p(), threshold=case.pick(0.7, 1.0, 2.0)
    ),
    "bounds.EdgeDropSet": _drops,
    "bounds.certify": lambda case: (
        bounds.certify(
            _encoder(case),
            case.x,
            case.edge_index,
            p=case.pick(0.2, 0.4, -1.0),
            num_nodes=case.pick(None, 3, 0),
            tightness=case.pick("interval", "budget", "two_hop", "tight"),
            num_views=3,
            rounds=1,
        ).bound
    ),
    "bounds.describe_set": lambda case: bounds.describe_set(
        _drops(case), num_layers=case.pick(1, 2, 0), num_views=2
    ),
    "bounds.draw_view": lambda case: bounds.draw_view(_drops(case), case.generator),
    "bounds.edge_budget": lambda case: bounds.edge_budget(torch.arange(case.n), case.p()),
    "bounds.greedy_view": lambda case: bounds.greedy_view(
        _drops(case), torch.rand(case.edge_index.size(1), generator=case.generator)
    ),
    "bounds.node_compactness": _compactness,
    "bounds.target_vectors": lambda case: bounds.target_vectors(case.x),
    "communities.AddCommunities": lambda case: communities.AddCommunities(
        case.pick("leiden", "louvain", "label_propagation", case.membership()), seed=case.seed
    )(case.data),
    "communities.Partition": lambda case: communities.Partition(case.membership(), 3, 0.5),
    "communities.community_strength": _strength,
    "communities.detect": _detect,
    "communities.edge_scores": lambda case: communities.edge_scores(
        case.edge_index, case.membership(), torch.rand(case.pick(3, 6, 20))
    ),
    "communities.feature_scores": lambda case: communities.feature_scores(case.x, case.per_node()),
    "communities.node_strength": lambda case: communities.node_strength(
        torch.rand(case.pick(3, 6, 20)), case.membership()
    ),
    "encoders.GCNConv": lambda case: encoders.GCNConv(case.width, 3)(
        case.x, case.edge_index, case.data.get("edge_weight")
    ),
    "encoders.GCNEncoder": lambda case: _encoder(case)(case.x, case.edge_index),
    "encoders.GNNEncoder": _gnn,
    "encoders.Projector": lambda case: encoders.Projector(
        case.x.size(-1), case.pick(4, 1, 0), case.pick(None, 3)
    )(case.x),
    "encoders.encode_views": lambda case: encoders.encode_views(
        _encoder(case), [_masked(case), _masked(case)]
    ),
    "encoders.view_features": lambda case: encoders.view_features(_masked(case)),
    "encoders.gcn_adjacency": lambda case: encoders.gcn_adjacency(
        case.edge_index, case.data.get("edge_weight"), case.n
    ),
    "evaluators.EdgeSplit": lambda case: evaluators.split_edges(case.data).train,
    "evaluators.KMeansClustering": lambda case: evaluators.KMeansClustering(
        case.pick(None, 2, 0), restarts=2
    )(case.x, case.tensor("y")),
    "evaluators.KNNProbe": lambda case: evaluators.KNNProbe(neighbors=(1, 3))(
        case.x, case.tensor("y"), _split_of(case)
    ),
    "evaluators.AdamProbe": lambda case: evaluators.AdamProbe(steps=case.pick(3, 0))(
        case.x, case.tensor("y"), _split_of(case)
    ),
    "evaluators.LinearProbe": _probe,
    "evaluators.LinkPrediction": lambda case: (
        evaluators.LinkPrediction(val=0.1, test=0.2, decoders=("dot", "cosine"), seed=case.seed)(
            lambda data: data.x, case.data
        ).scores
    ),
    "evaluators.ProbeScores": lambda case: _probe(case).confusion,
    "evaluators.RandomForestProbe": lambda case: evaluators.RandomForestProbe(trees=3, leaves=(1,))(
        case.x, case.tensor("y"), _split_of(case)
    ),
    "evaluators.SVMProbe": lambda case: evaluators.SVMProbe(strengths=(1.0,))(
        case.x, case.tensor("y"), _split_of(case)
    ),
    "evaluators.accuracy_by_degree": lambda case: evaluators.accuracy_by_degree(
        case.edge_index, torch.arange(case.n), torch.arange(case.n) % 2 == 0
    ),
    "evaluators.accuracy_by_quantile": lambda case: evaluators.accuracy_by_quantile(
        case.scores, torch.arange(case.n) % 2 == 0, groups=case.pick(5, 1, 0)
    ),
    "evaluators.alignment": lambda case: evaluators.alignment(case.x, case.other),
    "evaluators.anisotropy": lambda case: evaluators.anisotropy(case.x),
    "evaluators.covariance_spectrum": lambda case: evaluators.covariance_spectrum(case.x),
    "evaluators.diagnose": lambda case: evaluators.diagnose(
        case.x, case.data, temperature=case.pick(0.5, 0.0), at_most=case.pick(20000, 10)
    ),
    "evaluators.effective_rank": lambda case: evaluators.effective_rank(case.x),
    "evaluators.evaluate": _evaluate,
    "evaluators.hardness": lambda case: evaluators.hardness(
        case.x, temperature=case.pick(0.5, 0.1, 0.0)
    ),
    "evaluators.k_shot_split": lambda case: evaluators.k_shot_split(
        case.tensor("y"), case.pick(1, 2, 5, 0), seed=case.seed
    ),
    "evaluators.kmeans": lambda case: evaluators.kmeans(
        case.x, case.pick(2, 3, 0, 10**6), restarts=2, seed=case.seed
    ),
    "evaluators.make_splits": lambda case: evaluators.make_splits(
        case.data,
        case.pick("random", "stratified", "public", "redrawn", "2-shot", "nonsense"),
        num_splits=2,
    ),
    "evaluators.ranking_scores": lambda case: evaluators.ranking_scores(
        case.x.flatten() if case.x.layout == torch.strided else case.x, case.scores
    ),
    "evaluators.redrawn_split": lambda case: evaluators.redrawn_split(
        _published(case), seed=case.seed
    ),
    "evaluators.similarity_histograms": lambda case: evaluators.similarity_histograms(
        case.x, case.tensor("y"), bins=case.pick(10, 0)
    ),
    "evaluators.split_edges": lambda case: evaluators.split_edges(
        case.data, val=case.pick(0.05, 0.3, 0.0), test=case.pick(0.1, 0.5, 1.0), seed=case.seed
    ),
    "evaluators.splits_hash": lambda case: evaluators.splits_hash([_split_of(case)]),
    "evaluators.summarize": lambda case: evaluators.summarize(
        {"seed": i, "split": 0, "value": value}
        for i, value in enumerate(case.scores[: case.pick(0, 1, 5)].tolist())
    ),
    "evaluators.neighbor_alignment": lambda case: evaluators.neighbor_alignment(
        case.x, case.data.edge_index
    ),
    "evaluators.tolerance": lambda case: evaluators.tolerance(
        case.x, case.tensor("y"), conditional=case.pick(True, False)
    ),
    "evaluators.uniformity": lambda case: evaluators.uniformity(case.x),
    "graphs.Split": _split,
    "graphs.check_graph": lambda case: graphs.check_graph("corpus", case.data),
    "graphs.check_split": lambda case: graphs.check_split("corpus", _split_of(case), case.n),
    "graphs.dataset_hash": lambda case: graphs.dataset_hash(graphs.load(case.data, log=None)),
    "graphs.list_datasets": lambda case: graphs.list_datasets(),
    "graphs.load": _load,
    "graphs.prepare_graph": lambda case: graphs.prepare_graph(
        case.data, normalize_features=case.pick(True, False), log=None
    ),
    "graphs.public_split": _public_split,
    "graphs.random_split": lambda case: graphs.random_split(
        case.n, train=case.p(), val=case.pick(0.1, 0.5), seed=0, stratify=case.data.get("y")
    ),
    "graphs.split_hash": lambda case: graphs.split_hash(_split_of(case)),
    "losses.BarlowTwins": _module(lambda case: losses.BarlowTwins()),
    "losses.BootstrapCosine": lambda case: losses.BootstrapCosine()(
        case.x, case.other, case.other, case.x
    ),
    "losses.CCASSG": _module(lambda case: losses.CCASSG(weight=case.pick(1e-3, -1.0))),
    "losses.ClipInfoNCE": _module(lambda case: losses.ClipInfoNCE()),
    "losses.DCL": _module(lambda case: losses.DCL()),
    "losses.DCLW": _module(lambda case: losses.DCLW()),
    "losses.DebiasedInfoNCE": _module(lambda case: losses.DebiasedInfoNCE()),
    "losses.HardnessInfoNCE": _module(lambda case: losses.HardnessInfoNCE()),
    "losses.JSD": _module(lambda case: losses.JSD()),
    "losses.MixedInfoNCE": _module(
        lambda case: losses.MixedInfoNCE(_weight, mixed=case.pick(3, 0), generator=case.generator)
    ),
    "losses.SummaryJSD": lambda case: losses.SummaryJSD()(
        case.x, torch.ones(1, case.width), corrupted=case.other
    ),
    "losses.SupervisedContrast": lambda case: losses.SupervisedContrast()(
        case.x, labels=case.data.get("y")
    ),
    "losses.TripletMargin": lambda case: losses.TripletMargin()(case.x, case.other, case.other),
    "losses.VICReg": _module(lambda case: losses.VICReg()),
    "losses.WeightedInfoNCE": _module(lambda case: losses.WeightedInfoNCE(_weight)),
    "losses.barlow_twins": _pair(lambda: losses.barlow_twins, weight=(None, 0.1, -1.0)),
    "losses.bootstrap_cosine": lambda case: losses.bootstrap_cosine(
        case.x, case.other, case.other, case.x
    ),
    "losses.cca_ssg": _pair(lambda: losses.cca_ssg, weight=(1e-3, -1.0)),
    "losses.clip_infonce": _pair(lambda: losses.clip_infonce, temperature=TEMPERATURES),
    "losses.dcl": _pair(lambda: losses.dcl, temperature=TEMPERATURES),
    "losses.dclw": _pair(lambda: losses.dclw, temperature=TEMPERATURES, sigma=(0.5, 0.1, 0.0)),
    "losses.debiased_infonce": _pair(
        lambda: losses.debiased_infonce, temperature=TEMPERATURES, class_prior=(0.1, 0.0, 1.0)
    ),
    "losses.hardness_infonce": _pair(
        lambda: losses.hardness_infonce, temperature=TEMPERATURES, beta=(1.0, 0.0, -1.0)
    ),
    "losses.jsd": _pair(lambda: losses.jsd, block_rows=(None, 7, 0)),
    "losses.mixed_infonce": lambda case: losses.mixed_infonce(
        case.x, case.other, _weight, mixed=case.pick(2, 5, 0), generator=case.generator
    ),
    "losses.summary_jsd": lambda case: losses.summary_jsd(
        case.x, torch.ones(1, case.width), corrupted=case.pick(None, case.other)
    ),
    "losses.supervised_contrast": lambda case: losses.supervised_contrast(
        case.x, labels=case.data.get("y"), temperature=case.pick(*TEMPERATURES)
    ),
    "losses.triplet_margin": lambda case: losses.triplet_margin(
        case.x, case.other, case.other, margin=case.pick(1.0, 0.5, -1.0)
    ),
    "losses.vicreg": _pair(lambda: losses.vicreg, variance=(25.0, -1.0)),
    "losses.weighted_infonce": lambda case: losses.weighted_infonce(
        case.x, case.other, _weight, temperature=case.pick(*TEMPERATURES)
    ),
    "losses.InfoNCE": _module(lambda case: losses.InfoNCE(case.pick(0.2, 1.0, 0.0))),
    "losses.TeamUp": _module(
        lambda case: losses.TeamUp(case.pick(0.2, 1.0, 0.0)), Case.per_node, gamma=0.5
    ),
    "losses.infonce": _contrast(losses.infonce),
    "losses.team_up": _contrast(losses.team_up, Case.per_node),
    "methods.BGRL": _method("BGRL", predictor_channels=6, views=("edge_p",)),
    "methods.CCASSG": _method("CCASSG", views=("edge_p",)),
    "methods.COSTA": _method(
        "COSTA", projection_channels=4, variant=lambda case: case.pick("single", "multi", "none")
    ),
    "methods.CSGCL": _method("CSGCL", projection_channels=4, gamma_start=0),
    "methods.DGI": _method("DGI", views=()),
    "methods.GBT": _method("GBT", views=("edge_p",)),
    "methods.GCA": _method(
        "GCA",
        projection_channels=4,
        centrality=lambda case: case.pick("degree", "pagerank", "eigenvector", "fame"),
    ),
    "methods.GRACE": _method("GRACE", projection_channels=4),
    "methods.MVGRL": _method("MVGRL", views=(), top_k=8),
    "methods.ProGCL": _method(
        "ProGCL",
        projection_channels=4,
        start_epoch=1,
        variant=lambda case: case.pick("weight", "mix"),
    ),
    "methods.diffused_features": lambda case: methods.diffused_features(
        case.data, case.pick(0.3, 1.5), case.pick(4, 0)
    ),
    "methods.diffused_topics": lambda case: methods.diffused_topics(
        case.data, case.pick(5, 0), case.pick(0.3, -0.1), neighbors=case.pick(2, 10_000)
    ),
    "methods.features_by_hop": lambda case: methods.features_by_hop(case.data, case.pick(3, 0)),
    "methods.propagated_features": lambda case: methods.propagated_features(
        case.data, case.pick(2, 0)
    ),
    "methods.spectral_embedding": lambda case: methods.spectral_embedding(
        case.data, dim=case.pick(3, 0), seed=case.seed
    ),
    "methods.Method": lambda case: methods.Method().prepare(case.data),
    "methods.StepOutput": lambda case: methods.StepOutput(case.x.sum(), {}, (case.data,), ()).terms,
    "methods.TwoViewContrast": lambda case: methods.TwoViewContrast(
        case.x.size(-1), out_channels=4
    ).embed(case.data),
    "ops.choose_backend": lambda case: ops.choose_backend(
        "corpus", case.pick("auto", "reference", "fast"), case.x
    ),
    "ops.mutual_logsumexp": _sums(ops.mutual_logsumexp, pair=True),
    "ops.self_logsumexp": _sums(ops.self_logsumexp),
    "ops.similarity_logsumexp": _sums(ops.similarity_logsumexp, pair=True),
    "ops.similarity_softplus": _sums(ops.similarity_softplus, pair=True),
    "regularizers.ProvableTraining": _regularizer,
    "reports.project": lambda case: reports.project(
        np.asarray(case.x.to_dense().float()), "pca", seed=case.seed
    ),
    "training.diagnose_collapse": lambda case: training.diagnose_collapse(
        case.pick(1.0, float("nan")), (case.x, case.x)
    ),
    "training.estimate_training_memory": lambda case: training.estimate_training_memory(
        methods.GRACE(case.width, out_channels=4), case.data
    ),
    "training.pretrain": _pretrain,
}

# Public names that take no graph and nothing computed from one; their own tests cover them.
APART = {
    "bounds.Certificate": "a result",
    "bounds.SetReport": "a result",
    "evaluators.ClusteringScores": "a result",
    "evaluators.LinkScores": "a result",
    "evaluators.PairedComparison": "a result",
    "evaluators.compare_paired": "takes scores by name",
    "evaluators.differs": "takes scores by name",
    "evaluators.read_embeddings": "takes a path",
    "evaluators.summarize_links": "takes results",
    "losses.estimate_memory": "takes sizes",
    "reports.mark_best": "takes scores by name",
    "reports.read_report": "takes a path",
    "reports.write_comparison": "takes finished reports",
    "reports.results_table": "takes finished reports",
    "reports.read_runs": "takes a path",
    "ops.release_memory": "takes nothing",
    "ops.BlockOptions": "a type of keyword arguments",
    "reports.RunFolder": "takes a path",
    "reports.Table": "takes text",
    "reports.available_projections": "takes nothing",
    "reports.score_table": "takes scores by name",
    "reports.to_json": "takes plain values",
    "reports.write_report": "takes a finished report",
    "reports.write_text": "takes text",
    "reports.write_yaml": "takes plain values",
    "training.Callback": "a protocol",
    "training.TensorBoardLogger": "takes a path",
    "training.CollapseWarning": "a warning",
    "training.MemoryEstimate": "a result",
    "training.Pretrained": "a result",
    "training.RunConfig": "takes plain values",
    "training.TrainingDiverged": "an error",
    "training.TrainingInterrupted": "an error",
    "training.build_method": "takes a configuration",
    "training.list_methods": "takes nothing",
    "training.list_recipes": "takes nothing",
    "training.load_checkpoint": "takes a path",
    "training.read_config": "takes a path",
    "training.resolve_config": "takes plain values",
    "training.save_checkpoint": "takes plain values",
}


def public_callables() -> set[str]:
    names = set()
    for room in ROOMS:
        module = importlib.import_module(f"gclkit.{room}")
        names |= {f"{room}.{name}" for name in module.__all__ if callable(getattr(module, name))}
    return names


def test_the_tables_cover_every_public_callable():
    assert WAYS.keys() | APART.keys() == public_callables()
    assert not WAYS.keys() & APART.keys()


def test_every_room_is_looked_at():
    rooms = {module.name for module in pkgutil.iter_modules(gclkit.__path__)}
    aside = {"__main__", "atomic", "bfloat16", "checks", "cli", "sparse", "testing"}
    assert rooms - set(ROOMS) == aside


def test_there_are_five_thousand_cases():
    assert len(WAYS) * len(CORPUS) * len(SEEDS) >= 5_000


@pytest.mark.parametrize("name", WAYS)
def test_a_result_or_one_line(name):
    ends = {"result": 0, "refusal": 0, "skip": 0}
    failures = []
    for graph in CORPUS:
        for seed in SEEDS:
            case = Case(graph, seed, name)
            try:
                ends[outcome(WAYS[name], case)] += 1
            except Exception as error:
                failures.append(f"{graph!r}, seed {seed}: {type(error).__name__}: {error}"[:400])
    assert not failures, f"{len(failures)} of {len(CORPUS) * len(SEEDS)}\n" + "\n".join(failures)
    assert ends["result"], "no graph gave a result: the call in the table is wrong"


@pytest.mark.parametrize("name", ["sparse features", "random", "weighted", "not contiguous"])
def test_sound_graphs_train(name):
    case = Case(name, 3, "train")
    method = methods.GRACE(case.x.size(1), out_channels=4, projection_channels=4)
    result = training.pretrain(method, graphs.load(case.data, log=None), epochs=2)
    assert bool(result.embeddings.isfinite().all())


QUICK_ON_A_HUGE_GRAPH = {
    "check_graph": lambda data: graphs.check_graph("corpus", data),
    "prepare_graph": lambda data: graphs.prepare_graph(data, log=None),
    "dataset_hash": graphs.dataset_hash,
    "detect": lambda data: communities.detect(data).membership,
    "EdgeDrop": lambda data: aug.EdgeDrop(0.3)(data),
    "GCNEncoder": lambda data: encoders.GCNEncoder(4, 8)(data.x, data.edge_index),
}


@pytest.mark.parametrize("name", QUICK_ON_A_HUGE_GRAPH)
def test_a_huge_graph_takes_no_quadratic_time(name):
    data = huge_graph()
    with limited():
        QUICK_ON_A_HUGE_GRAPH[name](data)


def test_the_checker_sees_what_is_wrong():
    case = Case("random", 0, "checker")

    def refuse(text):
        def way(case):
            raise ValueError(text)

        return way

    assert outcome(lambda case: case.x, case) == "result"
    assert outcome(lambda case: case.tensor("nothing"), case) == "skip"
    assert outcome(refuse("owner: 'p' must be"), case) == "refusal"
    for text in ("no owner", "owner: two\nlines"):
        with pytest.raises(AssertionError, match="no owner, or not one line"):
            outcome(refuse(text), case)
    with pytest.raises(AssertionError, match="not finite"):
        outcome(lambda case: case.x / 0, case)
    with pytest.raises(IndexError):
        outcome(lambda case: case.x[99], case)

from dataclasses import replace

import pytest
import torch
from torch_geometric.data import Data

from gclkit.evaluators import LinkPrediction, ranking_scores, split_edges


def make_graph(n=120, groups=4, seed=0):
    """Nodes of one group are joined far more often, so that edges can be told."""
    generator = torch.Generator().manual_seed(seed)
    group = torch.arange(n) % groups
    chance = torch.where(group[:, None] == group, 0.35, 0.02)
    drawn = torch.rand(n, n, generator=generator) < chance
    edge_index = drawn.triu(1).nonzero().T
    edge_index = torch.cat([edge_index, edge_index.flip(0)], dim=1)
    order = (edge_index[0] * n + edge_index[1]).argsort()
    x = torch.randn(n, 6, generator=generator)
    return Data(x=x, edge_index=edge_index[:, order], y=group, num_nodes=n)


def propagate(data, hops=2):
    n = data.num_nodes
    adjacency = torch.zeros(n, n, dtype=torch.float64)
    adjacency[data.edge_index[0], data.edge_index[1]] = 1.0
    adjacency += torch.eye(n)
    adjacency /= adjacency.sum(dim=1, keepdim=True)
    z = torch.eye(n, dtype=torch.float64)
    for _ in range(hops):
        z = adjacency @ z
    return z.float()


def change_held_out(data, split):
    """A graph of the same training edges with others held out, and its split."""
    none = split.val_hard[:, :0]
    changed_split = replace(
        split,
        val=split.val_negative,
        test=split.test_negative,
        val_negative=split.val,
        test_negative=split.test,
        val_hard=none,
        test_hard=none,
    )
    pairs = torch.cat([split.train, split.val_negative, split.test_negative], dim=1)
    changed = data.clone()
    changed.edge_index = torch.cat([pairs, pairs.flip(0)], dim=1)
    return changed, changed_split


def depends_on_held_out(pipeline, data, split):
    """Whether embeddings move when nothing but held-out edges does; ``pipeline(data, split)``."""
    return not torch.equal(pipeline(data, split), pipeline(*change_held_out(data, split)))


def test_groups_are_found():
    data = make_graph()
    scores = LinkPrediction()(propagate, data)
    assert scores.scores["auc"] > 0.8 and scores.val_auc > 0.7
    assert set(scores.by_decoder) == {"dot", "cosine", "logistic", "mlp"}
    best = max(scores.by_decoder, key=lambda name: scores.by_decoder[name]["val_auc"])
    assert scores.decoder == best
    assert scores.hard["auc"] < scores.scores["auc"]  # Two hops apart is harder to tell.
    assert scores.edge_split.name == "85-5-10"


def test_the_callable_receives_training_edges_only():
    data, seen = make_graph(), []
    data.community = data.y
    data.train_mask = data.y == 0

    def train(graph):
        seen.append(graph)
        return propagate(graph)

    scores = LinkPrediction(decoders=("dot",), seed=3)(train, data)
    assert len(seen) == 1
    assert sorted(seen[0].keys()) == ["edge_index", "num_nodes", "x"]
    held = torch.cat([scores.edge_split.val, scores.edge_split.test], dim=1)
    pairs = set(map(tuple, seen[0].edge_index.T.tolist()))
    assert not pairs & set(map(tuple, held.T.tolist()))
    assert not pairs & set(map(tuple, held.flip(0).T.tolist()))


def test_held_out_edges_leave_embeddings_bit_identical():
    data = make_graph()
    split = split_edges(data, seed=1)
    honest = lambda graph, split: propagate(split.training_graph(graph))
    assert not depends_on_held_out(honest, data, split)


def test_a_planted_leak_is_caught():
    data = make_graph()
    split = split_edges(data, seed=1)
    encodes_all_edges = lambda graph, split: propagate(graph)
    assert depends_on_held_out(encodes_all_edges, data, split)

    def drops_by_degree_of_all_edges(graph, split):
        degree = torch.bincount(graph.edge_index[0], minlength=graph.num_nodes)
        return propagate(split.training_graph(graph)) * degree[:, None]

    assert depends_on_held_out(drops_by_degree_of_all_edges, data, split)


def test_the_leak_would_have_paid():
    data = make_graph()
    task = LinkPrediction(decoders=("dot",))
    honest = task(lambda graph: propagate(graph, hops=1), data)
    leaking = task(lambda graph: propagate(data, hops=1), data)
    assert leaking.scores["auc"] > honest.scores["auc"] + 0.02


def test_test_pairs_do_not_choose_the_decoder():
    data = make_graph()
    split = split_edges(data)
    z = propagate(split.training_graph(data))
    first = LinkPrediction().score(z, split)
    none = split.test_hard[:, :0]
    swapped = LinkPrediction().score(
        z,
        replace(
            split, test=split.test_negative, test_negative=split.test, val_hard=none, test_hard=none
        ),
    )
    assert swapped.decoder == first.decoder and swapped.val_auc == first.val_auc
    assert swapped.scores["auc"] == pytest.approx(1 - first.scores["auc"])
    assert swapped.hard == {}


def test_hard_scores_are_of_the_test_pairs_at_two_hops():
    data = make_graph()
    split = split_edges(data, seed=3)
    z = propagate(split.training_graph(data))
    scores = LinkPrediction(decoders=("dot",)).score(z, split)
    dots = lambda pairs: (z[pairs[0]] * z[pairs[1]]).sum(dim=1)
    assert scores.hard == ranking_scores(dots(split.test), dots(split.test_hard))
    assert scores.scores == ranking_scores(dots(split.test), dots(split.test_negative))


def test_an_array_is_scored_like_the_tensor():
    data, task = make_graph(), LinkPrediction(decoders=("dot",))
    array = task(lambda graph: propagate(graph).numpy(), data)
    assert array.scores == task(propagate, data).scores


def test_is_the_same_twice():
    data = make_graph()
    split = split_edges(data)
    z = propagate(split.training_graph(data))
    one, two = (LinkPrediction(seed=2).score(z, split) for _ in range(2))
    assert one.by_decoder == two.by_decoder


def test_constant_embeddings_are_scored_at_chance():
    data = make_graph()
    scores = LinkPrediction().score(torch.ones(120, 4), split_edges(data))
    assert scores.scores["auc"] == 0.5


def test_fixed_embeddings_are_refused_without_their_split():
    z = torch.eye(120)
    with pytest.raises(ValueError) as error:
        LinkPrediction().score(z, None)
    assert str(error.value) == (
        "LinkPrediction: 'split' must be the edge split that the embeddings were trained on "
        "(got 'NoneType')"
    )
    with pytest.raises(ValueError) as error:
        LinkPrediction()(z, make_graph())
    assert str(error.value) == (
        "LinkPrediction: 'train' must be a function of a graph (got 'Tensor')"
    )
    with pytest.raises(ValueError) as error:
        LinkPrediction().score(z[:50], split_edges(make_graph()))
    assert str(error.value) == (
        "LinkPrediction: 'z' must be of 120 rows, one per node (got (50, 120))"
    )
    with pytest.raises(ValueError) as error:
        LinkPrediction(decoders=("inner",))
    assert str(error.value) == (
        "LinkPrediction: 'decoders' must be one of ['cosine', 'dot', 'logistic', 'mlp'] "
        "(got 'inner')"
    )
    with pytest.raises(ValueError) as error:
        LinkPrediction(decoders=())
    assert str(error.value) == "LinkPrediction: 'decoders' must be one decoder or more (got ())"


def test_a_graph_is_no_function_though_pyg_lets_it_be_called():
    data = make_graph()
    with pytest.raises(ValueError) as error:
        LinkPrediction()(data, propagate)
    assert str(error.value) == "LinkPrediction: 'train' must be a function of a graph (got 'Data')"

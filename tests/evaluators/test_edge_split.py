import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data

from gclkit.evaluators import EdgeSplit, split_edges


def make_graph(n=60, pairs=150, seed=0, weights=False):
    generator = torch.Generator().manual_seed(seed)
    ends = torch.randint(n, (2, 2 * pairs), generator=generator)
    low, high = ends.sort(dim=0).values
    codes = (low * n + high)[low != high].unique()[:pairs]
    one = torch.stack([codes // n, codes % n])
    edge_index = torch.cat([one, one.flip(0)], dim=1)
    order = (edge_index[0] * n + edge_index[1]).argsort()
    data = Data(
        x=torch.randn(n, 5, generator=generator),
        edge_index=edge_index[:, order],
        y=torch.arange(n) % 3,
        num_nodes=n,
        community=torch.arange(n) % 4,
    )
    if weights:  # Symmetric: a function of the unordered pair.
        low, high = data.edge_index.sort(dim=0).values
        data.edge_weight = 0.5 + (low * 7 + high).float() / 100
    return data


def pairs_of(index):
    return set(map(tuple, index.T.tolist()))


@given(n=st.integers(8, 40), pairs=st.integers(20, 80), seed=st.integers(0, 50))
@settings(deadline=None, max_examples=40)
def test_parts_are_disjoint_and_negatives_are_no_edges(n, pairs, seed):
    data = make_graph(n, pairs, seed)
    edges = {(u, v) for u, v in data.edge_index.T.tolist() if u < v}
    try:
        split = split_edges(data, seed=seed)
    except ValueError as refusal:
        assert "pairs without an edge" in str(refusal)
        return
    parts = [pairs_of(part) for part in (split.train, split.val, split.test)]
    assert set.union(*parts) == edges and sum(map(len, parts)) == len(edges)
    assert len(parts[1]) == round(0.05 * len(edges)) and len(parts[2]) == round(0.1 * len(edges))
    negative = [pairs_of(part) for part in (split.val_negative, split.test_negative)]
    assert [len(part) for part in negative] == [len(parts[1]), len(parts[2])]
    assert not (negative[0] & negative[1]) and not (set.union(*negative) & edges)
    near = {}
    for u, v in parts[0]:
        near.setdefault(u, set()).add(v)
        near.setdefault(v, set()).add(u)
    for u, v in pairs_of(split.val_hard) | pairs_of(split.test_hard):
        assert (u, v) not in edges and near[u] & near[v]


def test_negatives_are_drawn_from_all_pairs_without_an_edge():
    data = make_graph(14, 40)
    edges = {(u, v) for u, v in data.edge_index.T.tolist() if u < v}
    seen = set()
    for seed in range(200):
        seen |= pairs_of(split_edges(data, seed=seed).test_negative)
    assert len(seen) == 14 * 13 // 2 - len(edges)


def test_large_graphs_draw_by_rejection():
    data = make_graph(3000, 4000)
    split = split_edges(data)
    edges = {(u, v) for u, v in data.edge_index.T.tolist() if u < v}
    assert split.test_negative.size(1) == 400
    assert not pairs_of(split.test_negative) & edges


def test_the_training_graph_holds_nothing_else():
    data = make_graph(weights=True)
    split = split_edges(data)
    graph = split.training_graph(data)
    assert sorted(graph.keys()) == ["edge_index", "edge_weight", "num_nodes", "x"]
    one = {(u, v) for u, v in graph.edge_index.T.tolist() if u < v}
    assert one == pairs_of(split.train)
    assert graph.is_undirected() and graph.is_coalesced()
    low, high = graph.edge_index.sort(dim=0).values
    torch.testing.assert_close(graph.edge_weight, 0.5 + (low * 7 + high).float() / 100)


def test_another_graph_is_refused():
    split = split_edges(make_graph())
    for data, message in (
        (make_graph(seed=3), "the graph whose edges were split (got 'other edges')"),
        (make_graph(n=61), "the graph whose edges were split, of 60 nodes (got 61)"),
    ):
        with pytest.raises(ValueError) as error:
            split.training_graph(data)
        assert str(error.value) == f"EdgeSplit: 'data' must be {message}"
    looped = make_graph()  # A self-loop is no pair of nodes, and is never split.
    looped.edge_index = torch.cat([looped.edge_index, torch.full((2, 1), 7)], dim=1)
    assert split.training_graph(looped).num_edges == 2 * split.train.size(1)


def test_file_round_trip(tmp_path):
    split = split_edges(make_graph(), seed=4)
    path = tmp_path / "split.npz"
    split.save(path)
    again = EdgeSplit.load(path)
    assert again.hash == split.hash and again.name == "85-5-10"
    assert again.hash != split_edges(make_graph(), seed=5).hash
    assert [entry.name for entry in tmp_path.iterdir()] == ["split.npz"]


def test_other_files_are_refused(tmp_path):
    wrong = {"text.npz": b"no array", "empty.npz": b""}
    for name, content in wrong.items():
        (tmp_path / name).write_bytes(content)
    np.savez(tmp_path / "other.npz", a=np.arange(3))
    np.savez(tmp_path / "pickle.npz", train=np.array([{"a": 1}], dtype=object))
    np.save(tmp_path / "array.npy", np.arange(3))
    for name in (*wrong, "other.npz", "pickle.npz", "array.npy"):
        with pytest.raises(ValueError) as error:
            EdgeSplit.load(tmp_path / name)
        message = str(error.value)
        assert message.startswith("EdgeSplit: ") and "must be a" in message
        assert str(tmp_path / name) in message and "\n" not in message
    split = split_edges(make_graph())
    split.save(tmp_path / "good.npz")
    with np.load(tmp_path / "good.npz") as file:
        arrays = dict(file)
    np.savez(tmp_path / "bad.npz", **{**arrays, "val": arrays["val"].astype(float)})
    with pytest.raises(ValueError) as error:
        EdgeSplit.load(tmp_path / "bad.npz")
    got = f"{tmp_path / 'bad.npz'}: val"
    assert str(error.value) == (
        f"EdgeSplit: 'path' must be a file written by EdgeSplit.save (got {got!r})"
    )
    with pytest.raises(FileNotFoundError):
        EdgeSplit.load(tmp_path / "missing.npz")


def test_overlaps_are_refused():
    split = split_edges(make_graph())
    parts = {name: getattr(split, name) for name in split.__dataclass_fields__}
    for change, message in (
        ({"test": split.train[:, :3]}, "EdgeSplit: 'train, val, test' must be disjoint"),
        ({"val_negative": split.test}, "EdgeSplit: 'val_negative' must be pairs without an edge"),
        ({"test_hard": split.val}, "EdgeSplit: 'test_hard' must be pairs without an edge"),
        (
            {"val_negative": split.test_negative[:, 2:]},
            "EdgeSplit: 'val_negative, test_negative' must be disjoint (got 'a pair more ",
        ),
        (
            {"val_hard": split.val_hard[:, [0, 1, 1]]},
            "EdgeSplit: 'val_hard, test_hard' must be disjoint",
        ),
        ({"test": split.test.flip(0)}, "EdgeSplit: 'test' must be pairs with the smaller node"),
        ({"num_nodes": 3}, "EdgeSplit: 'train' must be nodes from 0 to 2"),
        ({"val": split.val[:, :0]}, "EdgeSplit: 'val' must be a set of one pair or more"),
        ({"val": split.val.int()}, "EdgeSplit: 'val' must be of dtype torch.int64"),
        ({"val": split.val[0]}, "EdgeSplit: 'val' must be pairs of nodes [2, pairs]"),
    ):
        with pytest.raises(ValueError) as error:
            EdgeSplit(**{**parts, **change})
        assert str(error.value).startswith(message)
    EdgeSplit(**{**parts, "test_hard": split.test_negative})  # A uniform pair may be a hard one.


def test_graphs_that_cannot_be_split_are_refused():
    path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    with pytest.raises(ValueError) as error:
        split_edges(Data(edge_index=path, num_nodes=3))
    assert str(error.value) == (
        "split_edges: 'data' must be a graph with edges enough for three parts (got '2 edges')"
    )
    full = torch.combinations(torch.arange(12)).T
    with pytest.raises(ValueError) as error:
        split_edges(Data(edge_index=torch.cat([full, full.flip(0)], dim=1), num_nodes=12))
    assert str(error.value) == (
        "split_edges: 'data' must be a graph with 10 pairs without an edge (got 0)"
    )
    with pytest.raises(ValueError):
        split_edges(make_graph(), val=0.6, test=0.5)
    with pytest.raises(ValueError) as error:
        split_edges(Data(edge_index=path[:, :3], num_nodes=3))
    assert "undirected" in str(error.value)


def test_nodes_that_only_labels_tell_of_are_counted():
    ring = torch.stack([torch.arange(20), torch.arange(20).roll(-1)])
    data = Data(edge_index=torch.cat([ring, ring.flip(0)], dim=1), y=torch.arange(24) % 3)
    split = split_edges(data, seed=1)
    assert split.num_nodes == 24 and split.training_graph(data).num_nodes == 24

import pytest
import torch
from hypothesis import given, settings
from torch_geometric.data import Data
from torch_geometric.transforms import NormalizeFeatures

from gclkit.graphs import check_graph, prepare_graph
from gclkit.testing.graphs import SOUND, random_graph, random_graphs, sound_graphs

MESSY = torch.tensor([[2, 0, 0, 3, 3, 1], [1, 1, 1, 3, 0, 0]])


def messy():
    data = Data(x=torch.tensor([[1.0, 3.0], [0.0, 0.0], [2.0, 2.0], [5.0, 0.0], [0.5, 0.0]]))
    data.edge_index, data.y = MESSY, torch.tensor([0, 1, 2, 0, 1])
    data.edge_weight = torch.tensor([2.0, 3.0, 4.0, 9.0, 5.0, 6.0])
    data.edge_kind = torch.tensor([10, 11, 12, 13, 14, 15])
    data.rating, data.adj_t = data.edge_kind + 10, torch.eye(5).to_sparse_csr()
    return data


def test_by_hand():
    lines = []
    data = prepare_graph(messy(), normalize_features=True, log=lines.append, name="messy")
    # 0-1 twice (3 + 4) against 1-0 once (6): the larger, 7; 3-3 goes; 0-3 and 1-2 are added.
    assert data.edge_index.tolist() == [[0, 0, 1, 1, 2, 3], [1, 3, 0, 2, 1, 0]]
    assert data.edge_weight.tolist() == [7.0, 5.0, 7.0, 2.0, 2.0, 5.0]
    assert data.edge_kind.tolist() == [11, 14, 15, 10, 10, 14]
    assert data.rating.tolist() == [21, 24, 25, 20, 20, 24] and "adj_t" not in data
    rows = [[0.25, 0.75], [0.0, 0.0], [0.5, 0.5], [1.0, 0.0], [1.0, 0.0]]
    assert data.x.tolist() == rows
    assert data.num_nodes == 5  # The last node has no edge.
    assert lines == [
        "messy: 5 nodes, 6 directed edges (1 self-loops removed, 1 duplicate edges merged,"
        " 2 reverse edges added, features row-normalised)"
    ]


def test_leaves_its_argument_alone():
    data = messy()
    before = data.clone()
    prepare_graph(data, normalize_features=True, log=None)
    for key in before.keys():
        assert torch.equal(data[key].to_dense(), before[key].to_dense())


def test_labels_are_converted_where_they_are_one_per_node():
    y = torch.tensor([2, -1, 0, 1, 1], dtype=torch.int32)
    data = messy()
    for labels in (y, y[:, None]):
        data.y = labels
        out = prepare_graph(data, log=None).y
        assert out.dtype == torch.int64 and out.tolist() == y.tolist()
    for labels in (torch.tensor([2]), torch.rand(5), torch.rand(5, 3) > 0.5):
        data.y = labels
        assert prepare_graph(data, log=None).y is labels


def test_each_step_can_be_left_out():
    steps = {"undirected": False, "remove_self_loops": False, "coalesce": False}
    assert torch.equal(prepare_graph(messy(), log=None, **steps).edge_index, MESSY)
    merged = prepare_graph(messy(), log=None, undirected=False, remove_self_loops=False)
    assert merged.edge_index.tolist() == [[0, 1, 2, 3, 3], [1, 0, 1, 0, 3]]
    assert merged.edge_weight.tolist() == [7.0, 6.0, 2.0, 5.0, 9.0]
    no_loops = prepare_graph(messy(), log=None, undirected=False, coalesce=False)
    assert no_loops.edge_index.tolist() == [[2, 0, 0, 3, 1], [1, 1, 1, 0, 0]]


@given(sound_graphs())
@settings(max_examples=60, deadline=None)
def test_prepared_is_simple_undirected_and_stays_so(data):
    once = prepare_graph(data, log=None)
    if once.num_edges:
        check_graph("test", once, require_undirected=True)
    row, col = once.edge_index
    assert (row != col).all()
    assert (torch.diff(row * once.num_nodes + col) > 0).all()
    neighbours = set(zip(*data.edge_index.tolist(), strict=True))
    expected = {pair for u, v in neighbours if u != v for pair in ((u, v), (v, u))}
    assert set(zip(row.tolist(), col.tolist(), strict=True)) == expected
    lines = []
    twice = prepare_graph(once, log=lines.append)
    assert torch.equal(twice.edge_index, once.edge_index)
    assert lines[0].endswith("(unchanged)")
    if "edge_weight" in data:
        assert torch.equal(twice.edge_weight, once.edge_weight)


@given(random_graphs())
@settings(max_examples=40, deadline=None)
def test_normalised_rows_sum_to_one_or_are_zero(data):
    if data.x.layout == torch.strided:
        data.x = data.x.relu()
    x = prepare_graph(data, normalize_features=True, log=None).x.to_dense()
    total = x.sum(dim=1)
    empty = data.x.to_dense().sum(dim=1) == 0
    torch.testing.assert_close(total, (~empty).float())


def test_word_counts_are_normalised_as_pyg_does():
    counts = (random_graph(seed=3).x * 3).relu().round()
    data = Data(x=counts, edge_index=random_graph(seed=3).edge_index)
    mine = prepare_graph(data, normalize_features=True, log=None)
    torch.testing.assert_close(mine.x, NormalizeFeatures()(data.clone()).x)


def test_tiny_and_huge_rows_keep_their_shares():
    x = torch.tensor([[1e-45, 1e-45], [3e38, 3e38], [1.0, 3.0]])
    data = Data(x=x, edge_index=torch.tensor([[0, 1], [1, 2]]))
    out = prepare_graph(data, normalize_features=True, log=None).x
    assert out.tolist() == [[0.5, 0.5], [0.5, 0.5], [0.25, 0.75]]


def test_says_it_on_standard_error_unless_told_otherwise(capsys):
    prepare_graph(random_graph(seed=1))
    assert capsys.readouterr().err.startswith("graph: 20 nodes, ")
    prepare_graph(random_graph(seed=1), log=None)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "data, options, sentence",
    [
        (
            SOUND["random"](1),
            {"coalesce": False},
            "prepare_graph: 'coalesce' must be True where 'undirected' is (got False)",
        ),
        (
            Data(num_nodes=3, edge_index=torch.tensor([[0], [1]])),
            {"normalize_features": True},
            "prepare_graph: 'x' must be node features [n, f] where 'normalize_features' is"
            " (got None)",
        ),
        (
            Data(x=torch.tensor([[-2.0], [1.0]]), edge_index=torch.tensor([[0], [1]])),
            {"normalize_features": True},
            "prepare_graph: 'x' must be not negative where 'normalize_features' is (got -2.0)",
        ),
    ],
)
def test_refusals(data, options, sentence):
    with pytest.raises(ValueError) as refusal:
        prepare_graph(data, log=None, **options)
    assert str(refusal.value) == sentence


def test_says_nothing_in_a_process_without_standard_error(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    assert prepare_graph(messy()).num_nodes == 5

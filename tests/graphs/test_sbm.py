import pytest
import torch
from sklearn.linear_model import LogisticRegression

from gclkit.graphs import check_graph, random_split
from gclkit.graphs.sbm import sbm


def test_communities_grow_in_strength():
    data = sbm(seed=3)
    check_graph("test", data, require_undirected=True)
    row, col = data.edge_index
    assert (torch.diff(row * 2000 + col) > 0).all() and (row != col).all()
    inside = row[data.y[row] == data.y[col]]
    degree = data.y[inside].bincount() / data.y.bincount()
    # Random edges add 2 * 1.5 / 8 to each; doubles and self-loops take a few away.
    expected = torch.linspace(3, 9, 8) + 0.375
    assert (degree - expected).abs().max() < 0.5
    between = int((data.y[row] != data.y[col]).sum()) / 2
    assert between == pytest.approx(3000 * 7 / 8, rel=0.05)


def test_informative_features_tell_of_their_class_only():
    data = sbm(seed=1)
    for community in range(8):
        on = data.x[data.y == community].mean(dim=0)
        own = slice(25 * community, 25 * (community + 1))
        assert float(on[own].mean()) == pytest.approx(0.19, abs=0.02)
        rest = torch.cat([on[: own.start], on[own.stop :]])
        assert float(rest.mean()) == pytest.approx(0.05, abs=0.005)
    assert set(data.x.unique().tolist()) == {0.0, 1.0}


def test_other_degrees_and_other_chances():
    data = sbm(
        num_nodes=3000,
        num_communities=3,
        inner_degree=(8.0, 2.0),
        random_edges=0.5,
        num_features=30,
        informative=10,
        p_on=0.3,
        p_informative=0.8,
        seed=5,
    )
    row, col = data.edge_index
    degree = data.y[row[data.y[row] == data.y[col]]].bincount() / 1000
    assert degree.tolist() == pytest.approx([8 + 1 / 3, 5 + 1 / 3, 2 + 1 / 3], abs=0.3)
    assert int((data.y[row] != data.y[col]).sum()) / 2 == pytest.approx(1000, rel=0.05)
    own = torch.arange(30) // 10 == data.y[:, None]
    assert float(data.x[own].mean()) == pytest.approx(0.8, abs=0.01)
    assert float(data.x[~own].mean()) == pytest.approx(0.3, abs=0.01)


def test_raw_features_alone_give_half_of_the_classes():
    scores = []
    for seed in range(3):
        data = sbm(seed=seed)
        x, y, split = data.x.numpy(), data.y.numpy(), random_split(2000, seed=seed)
        probe = LogisticRegression(C=0.1, max_iter=500).fit(x[split.train], y[split.train])
        scores.append(probe.score(x[split.test], y[split.test]))
    assert 0.50 <= sum(scores) / 3 <= 0.57


def test_a_seed_makes_a_graph():
    assert torch.equal(sbm(seed=2).x, sbm(seed=2).x)
    assert not torch.equal(sbm(seed=2).x, sbm(seed=3).x)
    before = torch.random.get_rng_state()
    sbm(seed=4)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"num_nodes": 15}, "'num_nodes' must be an integer of at least 16 (got 15)"),
        ({"num_communities": 0}, "'num_communities' must be an integer of at least 1 (got 0)"),
        ({"informative": -1}, "'informative' must be an integer of at least 0 (got -1)"),
        ({"informative": 63}, "'informative' must be at most 62, for 8 communities (got 63)"),
        ({"p_on": 1.5}, "'p_on' must be a probability in [0, 1] (got 1.5)"),
        ({"random_edges": -1}, "'random_edges' must be a number of at least 0 (got -1)"),
        ({"inner_degree": 3}, "'inner_degree' must be a pair of numbers (got 3)"),
        ({"seed": -1}, "'seed' must be an integer of at least 0 (got -1)"),
    ],
)
def test_refusals(options, sentence):
    with pytest.raises(ValueError) as refusal:
        sbm(**options)
    assert str(refusal.value) == f"sbm: {sentence}"

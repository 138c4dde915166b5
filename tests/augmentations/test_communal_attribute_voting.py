import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data

from gclkit.augmentations import CommunalAttributeVoting, communal_drop_probability
from gclkit.communities import feature_scores


@pytest.mark.parametrize(("p", "threshold"), [(0.1, 1.0), (0.5, 1.0), (0.4, 0.7)])
def test_matches_the_published_probabilities(parity, p, threshold):
    csgcl = {key: torch.from_numpy(value) for key, value in parity("csgcl").items()}
    score = feature_scores(csgcl["x"].double(), csgcl["node_strength"].double())
    drop = communal_drop_probability(score, p, threshold=threshold)
    expected = csgcl[f"cav_drop_prob__p{p}_thr{threshold}"].double()
    torch.testing.assert_close(drop, expected, rtol=0, atol=1e-6)


@settings(deadline=None)
@given(
    votes=st.lists(st.floats(1e-3, 50.0), min_size=2, max_size=12, unique_by=lambda v: round(v, 4)),
    p=st.floats(0.05, 0.4),
)
def test_more_votes_are_masked_less(votes, p):
    score = torch.tensor(votes, dtype=torch.float64).sort().values
    drop = communal_drop_probability(score, p)
    assert (drop.diff() <= 1e-12).all() and drop[-1] == 0
    if float(drop.max()) < 1:
        assert float(drop.mean()) == pytest.approx(p)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_votes_that_differ_by_rounding_are_equal(dtype):
    votes = torch.full((5,), 0.3, dtype=dtype)
    votes[2:] = torch.nextafter(votes[2:], votes.new_tensor(1.0))
    assert communal_drop_probability(votes, p=0.4, threshold=0.9).tolist() == pytest.approx(
        [0.4] * 5
    )
    apart = torch.tensor([0.3, 0.3003], dtype=dtype)
    assert communal_drop_probability(apart, p=0.4, threshold=0.9).tolist() == pytest.approx(
        [0.8, 0.0]
    )


def test_bad_votes():
    clamped = communal_drop_probability(torch.tensor([-3.0, 0.5, 2.0]), 0.3)
    torch.testing.assert_close(
        clamped, communal_drop_probability(torch.tensor([0.5, 0.5, 2.0]), 0.3)
    )
    unused = communal_drop_probability(torch.tensor([0.0, 0.5, 2.0]), 0.3)
    assert unused[0] == 0
    for constant in ([0.7, 0.7], [-1.0, -2.0], [0.0, 0.0]):
        drop = communal_drop_probability(torch.tensor(constant), 0.3)
        torch.testing.assert_close(drop, torch.full((2,), 0.3))
    assert communal_drop_probability(torch.empty(0), 0.3).numel() == 0


def test_masks_by_its_probabilities(graph):
    transform = CommunalAttributeVoting(0.3, generator=torch.Generator().manual_seed(4))
    expected = communal_drop_probability(graph.feature_score[0], 0.3)
    masked = torch.stack([~transform(graph).feature_keep[0] for _ in range(500)]).float().mean(0)
    deviation = (expected * (1 - expected) / 500).sqrt()
    assert ((masked - expected).abs() <= 5 * deviation + 1e-6).all()


def test_repr_and_refusals(graph):
    transform = CommunalAttributeVoting(0.2)
    assert str(transform) == "CommunalAttributeVoting(p=0.2, threshold=1.0)"
    with pytest.raises(ValueError, match=r"^CommunalAttributeVoting: 'p' must be a probability"):
        CommunalAttributeVoting("much")
    rule = "a graph with 'feature_score': apply gclkit.communities.AddCommunities first"
    with pytest.raises(ValueError, match=f"^CommunalAttributeVoting: 'data' must be {rule} "):
        transform(Data(x=torch.ones(3, 2)))


def test_refusals_of_votes_and_rates():
    votes = torch.tensor([0.5, 2.0])
    for score, p, threshold, sentence in [
        (votes.int(), 0.3, 1.0, "'score' must be of a floating point dtype (got torch.int32)"),
        (votes, 1.3, 1.0, "'p' must be a probability in [0, 1] (got 1.3)"),
        (votes, 0.3, -0.1, "'threshold' must be a probability in [0, 1] (got -0.1)"),
    ]:
        with pytest.raises(ValueError) as error:
            communal_drop_probability(score, p, threshold=threshold)
        assert str(error.value) == f"communal_drop_probability: {sentence}"


def test_a_batch_of_several_graphs_is_refused(graph):
    graph.feature_score = torch.rand(1, 40) + 0.1
    batch = Batch.from_data_list([graph, graph])
    with pytest.raises(ValueError) as refusal:
        CommunalAttributeVoting(0.5)(batch)
    rule = "of one graph, of shape (1, 40): apply CommunalAttributeVoting before graphs are batched"
    assert (
        str(refusal.value)
        == f"CommunalAttributeVoting: 'feature_score' must be {rule} (got (2, 40))"
    )

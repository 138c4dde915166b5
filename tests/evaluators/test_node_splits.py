import pytest
import torch
from torch_geometric.data import Data

from gclkit.evaluators import k_shot_split, make_splits, redrawn_split, splits_hash
from gclkit.graphs import Split, public_split


def make_data(n=90):
    y = torch.arange(n) % 3
    return Data(y=y, num_nodes=n, edge_index=torch.tensor([[0, 1], [1, 0]]))


def test_k_shot_takes_k_of_each_class():
    y = torch.cat([torch.zeros(50), torch.ones(9), torch.full((30,), 2)]).long()
    for shots in (1, 5, 8):
        split = k_shot_split(y, shots, seed=3)
        assert y[split.train].bincount().tolist() == [shots] * 3
        assert torch.equal(torch.cat(list(split)).sort().values, torch.arange(89))
        assert len(split.val) == 9
        assert split.name == f"{shots}-shot"


def test_k_shot_draws_every_node_alike():
    y = torch.arange(12) % 2
    seen = torch.zeros(12)
    for seed in range(600):
        seen[k_shot_split(y, 2, seed=seed).train] += 1
    assert seen.min() > 150 and seen.max() < 250  # 200 expected, deviation 11.5.


@pytest.mark.parametrize("splits", ["random", "stratified", "2-shot", "redrawn"])
def test_nodes_of_unknown_class_are_never_drawn(splits):
    data = published()
    given = torch.cat(list(public_split(data)))
    unknown = torch.arange(0, data.num_nodes, 4)
    unknown = unknown[~torch.isin(unknown, given)]
    assert len(unknown) > 5
    data.y[unknown] = -1
    for split in make_splits(data, splits, num_splits=5):
        nodes = torch.cat(list(split))
        assert not torch.isin(nodes, unknown).any()
        left_out = 25 if splits == "redrawn" else 0
        assert len(nodes) == data.num_nodes - len(unknown) - left_out


def test_a_class_too_small_is_refused():
    y = torch.tensor([0, 0, 0, 0, 1])
    with pytest.raises(ValueError) as error:
        k_shot_split(y, 1, seed=0)
    assert str(error.value) == (
        "k_shot_split: 'shots' must be smaller than every class (class 1 has 1 nodes) (got 1)"
    )
    with pytest.raises(ValueError) as error:
        k_shot_split(y, 0, seed=0)
    assert str(error.value) == "k_shot_split: 'shots' must be an integer of at least 1 (got 0)"


def published(sizes=(40, 30, 20)):
    """9, 6 and 3 training nodes of three classes, 12 validation nodes, 25 test nodes."""
    y = torch.cat([torch.full((size,), c) for c, size in enumerate(sizes)])
    data = make_data(len(y))
    data.y, order = y, torch.randperm(len(y), generator=torch.Generator().manual_seed(1))
    train = torch.cat([order[y[order] == c][:k] for c, k in enumerate((9, 6, 3))])
    rest = order[~torch.isin(order, train)]
    for name, part in (("train", train), ("val", rest[:12]), ("test", rest[12:37])):
        data[f"{name}_mask"] = torch.zeros(len(y), dtype=torch.bool)
        data[f"{name}_mask"][part] = True
    return data


def test_a_redrawn_split_is_like_the_published_one_without_its_test_nodes():
    data = published()
    draws = make_splits(data, "redrawn", num_splits=40, seed=3)
    for split in draws:
        assert data.y[split.train].bincount().tolist() == [9, 6, 3]
        assert len(split.val) == 12 and split.name == "redrawn"
        nodes = torch.cat(list(split))
        assert torch.equal(nodes.sort().values, (~data.test_mask).nonzero()[:, 0])
    # Each node outside the test set is trained on in some draw, none in all of them.
    seen = torch.cat([split.train for split in draws]).bincount(minlength=90)[~data.test_mask]
    assert seen.min() > 0 and seen.max() < 40
    assert splits_hash(draws[:1]) == splits_hash([redrawn_split(data, seed=3)])


def test_a_test_set_that_leaves_nothing_over_is_refused():
    data = published()
    data.test_mask |= ~(data.train_mask | data.val_mask)
    with pytest.raises(ValueError) as error:
        redrawn_split(data, seed=0)
    assert str(error.value) == (
        "redrawn_split: 'data' must be a graph with more than 12 nodes outside training and "
        "test set (got 12)"
    )
    with pytest.raises(ValueError, match=r"^public_split: 'data' must be a graph with a publ"):
        redrawn_split(make_data())


def test_names():
    data = make_data()
    random = make_splits(data, "random", num_splits=3, seed=5)
    assert [split.name for split in random] == ["random-10-10-80"] * 3
    assert splits_hash(random[:1]) == splits_hash(make_splits(data, num_splits=1, seed=5))
    assert splits_hash(random) != splits_hash(random[::-1])
    assert make_splits(data, "stratified", num_splits=1)[0].name.endswith("stratified")
    assert make_splits(data, "2-shot", num_splits=2)[1].name == "2-shot"
    split = Split(torch.arange(5), torch.arange(5, 9), torch.arange(9, 12))
    assert make_splits(data, split) == [split]


def test_nodes_that_only_labels_tell_of_are_split():
    data = Data(edge_index=torch.tensor([[0, 1], [1, 0]]), y=torch.arange(30) % 3)
    (split,) = make_splits(data, num_splits=1)
    assert sum(map(len, split)) == 30 and make_splits(data, split) == [split]


def test_all_published_splits_are_taken():
    data = make_data()
    part = torch.arange(90)
    for name, chosen in (("train", part < 9), ("val", (part > 8) & (part < 30))):
        data[f"{name}_mask"] = torch.stack([chosen, chosen.roll(1)], dim=1)
    data.test_mask = part > 40
    assert [split.name for split in make_splits(data, "public")] == ["public-0", "public-1"]


@pytest.mark.parametrize(
    ("splits", "got"),
    [
        ([], "[]"),
        (None, "['NoneType']"),
        (tuple(torch.arange(9).split(3)), "['Tensor', 'Tensor', 'Tensor']"),
    ],
)
def test_what_is_no_list_of_splits_is_refused(splits, got):
    with pytest.raises(ValueError) as error:
        make_splits(make_data(), splits)
    assert str(error.value) == (
        f"evaluate: 'splits' must be a name, a Split or a list of one Split or more (got {got})"
    )


def test_unknown_names_are_refused():
    with pytest.raises(ValueError) as error:
        make_splits(make_data(), "5shot")
    assert str(error.value) == (
        "evaluate: 'splits' must be one of 'random', 'stratified', 'public', 'redrawn', "
        "'<k>-shot' such as '5-shot', or splits (got '5shot')"
    )

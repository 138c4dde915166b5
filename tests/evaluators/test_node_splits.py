import pytest
import torch
from torch_geometric.data import Data

from gclkit.evaluators import k_shot_split, make_splits, splits_hash
from gclkit.graphs import Split


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


def test_a_class_too_small_is_refused():
    y = torch.tensor([0, 0, 0, 0, 1])
    with pytest.raises(ValueError) as error:
        k_shot_split(y, 1, seed=0)
    assert str(error.value) == (
        "k_shot_split: 'shots' must be smaller than every class (class 1 has 1 nodes) (got 1)"
    )


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


def test_all_published_splits_are_taken():
    data = make_data()
    part = torch.arange(90)
    for name, chosen in (("train", part < 9), ("val", (part > 8) & (part < 30))):
        data[f"{name}_mask"] = torch.stack([chosen, chosen.roll(1)], dim=1)
    data.test_mask = part > 40
    assert [split.name for split in make_splits(data, "public")] == ["public-0", "public-1"]


def test_unknown_names_are_refused():
    with pytest.raises(ValueError) as error:
        make_splits(make_data(), "5shot")
    assert str(error.value) == (
        "evaluate: 'splits' must be one of 'random', 'stratified', 'public', "
        "'<k>-shot' such as '5-shot', or splits (got '5shot')"
    )

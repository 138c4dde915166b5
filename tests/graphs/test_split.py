import copy
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data

from gclkit.graphs import Split, check_split, public_split, random_split, split_hash
from gclkit.graphs.split import MASKS, has_public_split


def index(*nodes):
    return torch.tensor(nodes)


@given(
    n=st.integers(3, 300),
    train=st.floats(0.05, 0.6),
    val=st.floats(0.05, 0.35),
    seed=st.integers(0, 99),
    stratified=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_every_node_is_in_one_part_or_the_split_is_refused(n, train, val, seed, stratified):
    labels = torch.arange(n) % 3 if stratified else None
    try:
        split = random_split(n, train=train, val=val, seed=seed, stratify=labels)
    except ValueError as refusal:
        assert "large enough for one node or more" in str(refusal)
        return
    assert torch.equal(torch.cat(list(split)).sort().values, torch.arange(n))
    slack = 3 if stratified else 1  # Each class rounds both ends of a part.
    assert abs(len(split.train) - train * n) <= slack
    assert abs(len(split.val) - val * n) <= slack


def test_the_default_is_ten_ten_eighty():
    split = random_split(1797, seed=3)
    assert [len(part) for part in split] == [180, 179, 1438]
    assert split.name == "random-10-10-80"


def test_shares_are_in_the_name():
    assert random_split(50, train=0.125, val=0.3, seed=0).name == "random-12.5-30-57.5"
    y = torch.arange(50) % 2
    assert random_split(50, seed=0, stratify=y).name == "random-10-10-80-stratified"


def test_stratified_keeps_the_shares_of_classes():
    y = torch.cat([torch.zeros(700), torch.ones(200), torch.full((100,), 2)]).long()
    split = random_split(1000, train=0.2, val=0.1, seed=1, stratify=y)
    assert y[split.train].bincount().tolist() == [140, 40, 20]
    assert y[split.val].bincount().tolist() == [70, 20, 10]


def test_seed_and_generator_decide_alike_and_leave_the_global_state():
    before = torch.random.get_rng_state()
    one = random_split(90, seed=7)
    two = random_split(90, generator=torch.Generator().manual_seed(7))
    assert split_hash(one) == split_hash(two) != split_hash(random_split(90, seed=8))
    assert torch.equal(before, torch.random.get_rng_state())


def test_hash_is_of_sets_not_of_order():
    a = Split(index(4, 1), index(0), index(2, 3))
    assert split_hash(a) == split_hash(Split(index(1, 4), index(0), index(3, 2)))
    assert split_hash(a) != split_hash(Split(index(1), index(4, 0), index(3, 2)))
    assert split_hash(a) == "5806b62880219ca6"  # The same on every machine.


def test_a_replaced_part_makes_another_split_which_is_checked():
    split = random_split(40, seed=1)
    changed = split._replace(test=split.test[3:])
    assert changed.name == "custom" and split_hash(changed) != split_hash(split)
    with pytest.raises(ValueError, match=r"^Split: 'train, val, test' must be disjoint"):
        split._replace(test=split.train)


def test_survives_copies_and_pickles():
    split = random_split(40, seed=2)
    for twin in (copy.deepcopy(split), pickle.loads(pickle.dumps(split))):
        assert isinstance(twin, Split) and twin.name == split.name
        assert split_hash(twin) == split_hash(split)


@pytest.mark.parametrize(
    "parts, sentence",
    [
        (
            (index(0, 1), index(1), index(2)),
            "Split: 'train, val, test' must be disjoint (got 'node 1 more than once')",
        ),
        (
            (index(0, 3, 3), index(1), index(2)),
            "Split: 'train, val, test' must be disjoint (got 'node 3 more than once')",
        ),
        (
            (index(0), torch.empty(0, dtype=torch.int64), index(2)),
            "Split: 'val' must be a set of at least one node (got 'none')",
        ),
        (
            (index(0), index(1), torch.tensor([0.5])),
            "Split: 'test' must be of an integer dtype (got torch.float32)",
        ),
        (
            (index(-2), index(1), index(3)),
            "Split: 'train' must be node indices of at least 0 (got -2)",
        ),
        (
            ([0], index(1), index(3)),
            "Split: 'train' must be a one-dimensional tensor of node indices (got [0])",
        ),
    ],
)
def test_refusals(parts, sentence):
    with pytest.raises(ValueError) as refusal:
        Split(*parts)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    "call, sentence",
    [
        (
            lambda: random_split(2),
            "random_split: 'num_nodes' must be an integer of at least 3 (got 2)",
        ),
        (
            lambda: random_split(10, train=1.5),
            "random_split: 'train' must be a probability in [0, 1] (got 1.5)",
        ),
        (
            lambda: random_split(10, train=0.5, val=0.5),
            "random_split: 'train + val' must be below 1, to leave nodes for testing (got 1.0)",
        ),
        (
            lambda: random_split(4),
            "random_split: 'train' must be large enough for one node or more"
            " (got '0.1, 0.1: none left')",
        ),
        (
            lambda: random_split(10, seed=1, generator=torch.Generator()),
            "random_split: 'seed' must be None where a generator is given (got 1)",
        ),
        (
            lambda: random_split(10, stratify=torch.zeros(9)),
            "random_split: 'stratify' must be one label per node, of shape (10,) (got (9,))",
        ),
        (
            lambda: check_split("probe", Split(index(3), index(12, 2), index(1)), 12),
            "probe: 'val' must be node indices below 12 (got 12)",
        ),
    ],
)
def test_refusals_of_functions(call, sentence):
    with pytest.raises(ValueError) as refusal:
        call()
    assert str(refusal.value) == sentence


def test_check_split_takes_a_plain_tuple():
    split = check_split("probe", (index(0), index(1), index(2)), 3)
    assert isinstance(split, Split)


def masks(several):
    shape = (6, 2) if several else (6,)
    data = Data(num_nodes=6)
    data.train_mask, data.val_mask = torch.zeros(2, *shape, dtype=torch.bool)
    data.test_mask = torch.tensor([False, False, False, False, True, True])
    if several:
        data.train_mask[0, 0] = data.train_mask[1, 1] = True
        data.val_mask[2, 0] = data.val_mask[3, 1] = True
    else:
        data.train_mask[1] = data.val_mask[3] = True
    return data


@pytest.mark.parametrize("missing", MASKS)
def test_a_public_split_has_three_masks(missing):
    data = masks(several=False)
    assert has_public_split(data)
    data[missing] = None
    assert not has_public_split(data)
    del data[missing]
    assert not has_public_split(data)


def test_public_split_reads_one_or_several():
    split = public_split(masks(several=False))
    assert [part.tolist() for part in split] == [[1], [3], [4, 5]] and split.name == "public"
    split = public_split(masks(several=True), index=1)
    assert [part.tolist() for part in split] == [[1], [3], [4, 5]] and split.name == "public-1"
    assert public_split(masks(several=True)).train.tolist() == [0]


def test_public_split_refuses():
    with pytest.raises(ValueError) as refusal:
        public_split(masks(several=True), index=2)
    sentence = "public_split: 'index' must be below 2, the number of published splits (got 2)"
    assert str(refusal.value) == sentence
    with pytest.raises(ValueError) as refusal:
        public_split(Data(num_nodes=3))
    assert str(refusal.value).startswith("public_split: 'data' must be a graph with a published")
    data = masks(several=False)
    data.val_mask = data.val_mask.long()
    with pytest.raises(ValueError, match="public_split: 'val_mask' must be a boolean mask"):
        public_split(data)

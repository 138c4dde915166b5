import re

import pytest
import torch

from gclkit.checks import (
    NotFinite,
    Rejected,
    check_choice,
    check_count,
    check_device,
    check_edges,
    check_finite,
    check_floats,
    check_indices,
    check_non_negative,
    check_one_each,
    check_positive,
    check_probability,
    check_same_shape,
    check_seed,
    check_tensor,
    in_bytes,
    reject,
    reject_size,
    unsupported,
)

NAN = float("nan")
EDGES = torch.tensor([[0, 2, 1], [2, 0, 1]])
CSR = torch.eye(3).to_sparse_csr()


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: reject("o", "n", "so", "x"), "o: 'n' must be so (got 'x')"),
        (
            lambda: check_probability("o", "p", 1.5),
            "o: 'p' must be a probability in [0, 1] (got 1.5)",
        ),
        (
            lambda: check_probability("o", "p", NAN),
            "o: 'p' must be a probability in [0, 1] (got nan)",
        ),
        (
            lambda: check_probability("o", "p", True),
            "o: 'p' must be a probability in [0, 1] (got True)",
        ),
        (
            lambda: check_probability("o", "p", "a"),
            "o: 'p' must be a probability in [0, 1] (got 'a')",
        ),
        (lambda: check_positive("o", "t", 0), "o: 't' must be a positive number (got 0)"),
        (lambda: check_positive("o", "t", NAN), "o: 't' must be a positive number (got nan)"),
        (lambda: check_positive("o", "t", 1e999), "o: 't' must be a positive number (got inf)"),
        (
            lambda: check_non_negative("o", "t", -1),
            "o: 't' must be a number of at least 0 (got -1)",
        ),
        (lambda: check_count("o", "k", 0), "o: 'k' must be an integer of at least 1 (got 0)"),
        (lambda: check_count("o", "k", 2.0), "o: 'k' must be an integer of at least 1 (got 2.0)"),
        (lambda: check_count("o", "k", True), "o: 'k' must be an integer of at least 1 (got True)"),
        (
            lambda: check_count("o", "k", 4, at_least=5),
            "o: 'k' must be an integer of at least 5 (got 4)",
        ),
        (
            lambda: check_choice("o", "c", "z", ("b", "a")),
            "o: 'c' must be one of ['a', 'b'] (got 'z')",
        ),
        (
            lambda: check_same_shape("o", "a", torch.ones(2), "b", torch.ones(3)),
            "o: 'a' must be of the shape of 'b', (3,) (got (2,))",
        ),
        (
            lambda: check_finite("o", "x", torch.tensor([NAN, 1.0, 1e999])),
            "o: 'x' must be finite (got '2 of 3 entries NaN or infinite')",
        ),
        (lambda: unsupported("o", "this", ("a", "b")), "o: this; supported: a, b"),
        (
            lambda: reject_size("o", 3.81e10, "n=9", "use less"),
            "o: needs about 38.1 GB for n=9; use less",
        ),
        (
            lambda: reject_size("o", 5.2e6, "n=9", "use less"),
            "o: needs about 5.2 MB for n=9; use less",
        ),
        (
            lambda: reject_size("o", 1700, "n=9", "use less"),
            "o: needs about 1.7 kB for n=9; use less",
        ),
        (lambda: check_tensor("o", "x", None), "o: 'x' must be a tensor (got 'NoneType')"),
        (lambda: check_floats("o", "x", [1.0]), "o: 'x' must be a tensor (got 'list')"),
        (lambda: check_floats("o", "x", CSR), "o: 'x' must be strided (got torch.sparse_csr)"),
        (
            lambda: check_floats("o", "x", torch.eye(2).to_sparse_coo(), sparse=True),
            "o: 'x' must be strided or sparse CSR (got torch.sparse_coo)",
        ),
        (
            lambda: check_floats("o", "x", torch.ones(3)),
            "o: 'x' must be a tensor of 2 dimensions (got (3,))",
        ),
        (
            lambda: check_floats("o", "x", torch.ones(3, 2), columns=4),
            "o: 'x' must be a tensor of 2 dimensions and 4 columns (got (3, 2))",
        ),
        (
            lambda: check_floats("o", "x", torch.ones(3, 2).long()),
            "o: 'x' must be of a floating point dtype (got torch.int64)",
        ),
        (
            lambda: check_floats("o", "x", torch.ones(3, 2).double(), dtype=torch.float32),
            "o: 'x' must be of dtype torch.float32 (got torch.float64)",
        ),
        (
            lambda: check_edges("o", [[0], [1]]),
            "o: 'edge_index' must be a tensor [2, e] (got 'list')",
        ),
        (
            lambda: check_edges("o", CSR),
            "o: 'edge_index' must be a tensor [2, e]; of a sparse adj_t it is PyG's "
            "to_edge_index(adj_t)[0].flip(0) (got torch.sparse_csr)",
        ),
        (lambda: check_edges("o", EDGES.T), "o: 'edge_index' must be of shape [2, e] (got (3, 2))"),
        (
            lambda: check_edges("o", EDGES.int()),
            "o: 'edge_index' must be of dtype torch.int64 (got torch.int32)",
        ),
        (
            lambda: check_edges("o", EDGES, 2),
            "o: 'edge_index' must be node indices from 0 to 1 (got 2)",
        ),
        (
            lambda: check_edges("o", EDGES - 1, 3),
            "o: 'edge_index' must be node indices from 0 to 2 (got -1)",
        ),
    ],
)
def test_sentences(call, sentence):
    with pytest.raises(ValueError) as refusal:
        call()
    assert str(refusal.value) == sentence


def test_indices_and_one_of_each():
    index = torch.tensor([[0, 4], [2, 1]])
    assert check_indices("o", "pairs", index, 5) is index
    assert check_edges("o", index.int(), any_integer=True).dtype == torch.int32
    for refuse, sentence in [
        (lambda: check_indices("o", "pairs", index, 4), "'pairs' must be node indices from 0 to 3"),
        (lambda: check_indices("o", "pairs", index - 1, 9), "'pairs' must be node indices from 0"),
        (
            lambda: check_edges("o", index.float(), any_integer=True),
            "'edge_index' must be of an integer dtype (got torch.float32)",
        ),
        (
            lambda: check_one_each("o", "y", index, 4, "label per node"),
            "'y' must be one label per node, of shape (4,) (got (2, 2))",
        ),
        (
            lambda: check_one_each("o", "y", [1], 1, "label per node"),
            "'y' must be one label per node, of shape (1,) (got 'list')",
        ),
        (
            lambda: check_finite("o", "x", torch.tensor([NAN]), rule="finite in float32"),
            "'x' must be finite in float32 (got '1 of 1 entries NaN or infinite')",
        ),
    ]:
        with pytest.raises(Rejected) as refusal:
            refuse()
        assert str(refusal.value).startswith(f"o: {sentence}")


def test_refusals_are_told_from_other_errors():
    for refuse in (
        lambda: check_count("o", "k", 0),
        lambda: check_finite("o", "x", torch.tensor([NAN])),
        lambda: unsupported("o", "this", ("a", "b")),
        lambda: reject_size("o", 3.81e10, "n=9", "use less"),
    ):
        with pytest.raises(Rejected):
            refuse()
    assert issubclass(NotFinite, Rejected) and issubclass(Rejected, ValueError)


def test_what_is_right_comes_back():
    assert check_probability("o", "p", 1) == 1.0 and check_probability("o", "p", 0.25) == 0.25
    assert check_positive("o", "t", 2) == 2.0 and check_non_negative("o", "t", 0) == 0.0
    assert check_count("o", "k", 7) == 7 and check_count("o", "k", 0, at_least=0) == 0
    assert check_choice("o", "c", "a", ("b", "a")) == "a"
    x = torch.rand(3, 2)
    assert check_finite("o", "x", x) is x
    assert check_floats("o", "x", x, dtype=torch.float32, columns=2) is x
    assert check_floats("o", "x", CSR, sparse=True) is CSR
    assert check_floats("o", "x", x[0], dims=1).tolist() == x[0].tolist()
    assert check_edges("o", EDGES, 3) is EDGES and check_edges("o", EDGES + 90) is not None
    empty = EDGES[:, :0]
    assert check_edges("o", empty, 0) is empty


def test_seed():
    assert check_seed("f", "seed", 2**63 - 1) == 2**63 - 1
    with pytest.raises(ValueError, match=re.escape("f: 'seed' must be a seed below 2^32 (got")):
        check_seed("f", "seed", 2**32, bits=32)
    for wrong, rule in ((-1, "an integer of at least 0"), (2**63, "a seed below 2^63")):
        with pytest.raises(ValueError, match=re.escape(f"f: 'seed' must be {rule} (got {wrong})")):
            check_seed("f", "seed", wrong)


def test_device():
    assert check_device("f", "cpu") == torch.device("cpu")
    for wrong in ("abacus", "meta", "hpu"):
        rule = re.escape("f: 'device' must be one that PyTorch can use here (got ")
        with pytest.raises(ValueError, match=f"^{rule}['\"]{wrong}: "):
            check_device("f", wrong)


def test_finite_entries_may_have_a_sum_that_is_not():
    many = torch.full((9,), 60000.0, dtype=torch.float16)
    assert not many.sum().isfinite() and check_finite("f", "x", many) is many
    with pytest.raises(ValueError, match=r"^f: 'x' must be finite \(got '2 of 3 entries NaN"):
        check_finite("f", "x", torch.tensor([torch.inf, 1.0, -torch.inf]))


@pytest.mark.parametrize(
    ("size", "said"),
    [(124e9, "124.0 GB"), (3.81e8, "0.4 GB"), (5.44e6, "5.4 MB"), (9_960, "10.0 kB")],
)
def test_bytes_are_said_in_the_unit_that_fits(size, said):
    assert in_bytes(size) == said

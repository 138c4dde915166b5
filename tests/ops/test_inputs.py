import pytest
import torch

from gclkit.checks import NotFinite
from gclkit.ops.inputs import (
    accumulator,
    check_alike,
    check_all_finite,
    check_products,
    check_rows,
    check_scale,
    check_vector,
    entry_weights,
    operand,
    widen,
)

ROWS = torch.arange(6.0).view(3, 2)


def test_what_is_fine_is_handed_back():
    assert check_rows("f", "z", ROWS) is ROWS
    assert check_vector("f", "b", ROWS[:, 0], 3, ROWS).tolist() == [0.0, 2.0, 4.0]
    assert entry_weights("f", torch.neg, ROWS).tolist() == (-ROWS).tolist()
    assert check_scale("f", 2.5, ROWS).item() == 2.5
    check_alike("f", "q", ROWS, "k", ROWS + 1)


def test_a_sum_that_overflows_is_no_fault():
    huge = torch.full((3,), 3e38)
    assert check_all_finite("f", "z", huge) is huge


def test_products_stay_in_range_for_certain():
    large, small = torch.full((2, 4), 1e19), torch.full((3, 4), 1e-5)
    check_products("f", "q", large, large / 4)  # 4 products of 2.5e37.
    check_products("f", "q", large, small, times=1e-30)
    check_products("f", "q", large.double(), large.double(), large.double())
    for factors, times in (
        ((large, large), 1.0),
        ((large, large / 4), 4.0),
        ((large, large / 4), torch.tensor(-4.0)),
        ((large, large), 1e-30),
        ((small, large, large, large), 1.0),
    ):
        with pytest.raises(NotFinite) as error:
            check_products("f", "q", *factors, times=times)
        assert str(error.value) == (
            "f: 'q' must be small enough for sums of products below 3.4e+38 "
            "(got 'entries up to 1.0e+19')"
        )


def test_dtypes():
    assert accumulator(torch.float64) == torch.float64 and accumulator(torch.half) == torch.float32
    assert widen(ROWS.bfloat16()).dtype == torch.float32 and widen(ROWS) is ROWS
    cpu = torch.device("cpu")
    assert operand("f", "bfloat16", torch.float32, cpu) == torch.bfloat16
    assert operand("f", "float32", torch.bfloat16, cpu) == torch.float32


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_where_bfloat16_does_not_pay_products_are_as_wide_as_sums(monkeypatch, tmp_path, dtype):
    monkeypatch.setattr("gclkit.bfloat16.CPUINFO", tmp_path / "no such file")
    assert operand("f", "bfloat16", dtype, torch.device("cpu")) == dtype
    assert operand("f", "bfloat16", dtype, torch.device("cuda")) == torch.bfloat16


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        (lambda: check_rows("f", "z", ROWS[0]), "'z' must be a matrix of at least one row"),
        (lambda: check_rows("f", "z", ROWS[:0]), "'z' must be a matrix of at least one row"),
        (lambda: check_rows("f", "z", ROWS.long()), "'z' must be of a floating point dtype"),
        (lambda: check_rows("f", "z", ROWS / 0), "'z' must be finite"),
        (lambda: check_rows("f", "z", ROWS.to_sparse()), "'z' must be a strided tensor"),
        (
            lambda: check_alike("f", "q", ROWS, "k", ROWS.double()),
            "'q' must be of the dtype of 'k', torch.float64",
        ),
        (
            lambda: check_alike("f", "q", ROWS, "k", ROWS.T),
            "'q' must be of the width of 'k', 3",
        ),
        (lambda: check_vector("f", "b", ROWS[0], 3, ROWS), r"'b' must be of shape \(3,\)"),
        (lambda: check_scale("f", float("nan"), ROWS), "'scale' must be one finite number"),
        (
            lambda: entry_weights("f", lambda s: 1.0, ROWS),
            "'weight' must be an element-wise function, so that its result is a tensor",
        ),
        (
            lambda: operand("f", "int8", torch.float32, torch.device("cpu")),
            "'precision' must be one of",
        ),
    ],
)
def test_refusals(check, sentence):
    with pytest.raises(ValueError, match=f"^f: {sentence}"):
        check()

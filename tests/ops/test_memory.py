import pytest
import torch

from gclkit.ops.memory import (
    MOST_WORKERS,
    available_bytes,
    fitting_block,
    needed_bytes,
    plan_blocks,
    plan_workers,
)

LIKE = torch.ones(1, 64)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)


def plan(rows=20000, **options):
    """The block, the bytes for kept tiles and the workers."""
    return plan_blocks("op", LIKE, rows, rows, **options)[2:]


def needed(block, rows=20000, backend="blockwise"):
    return needed_bytes(rows, rows, 64, block=block, operand=torch.float32, backend=backend)


def test_a_plan_names_what_runs_and_what_is_multiplied():
    assert plan_blocks("op", LIKE, 9, 9)[:2] == ("blockwise", torch.float32)
    options = {"backend": "reference", "precision": "bfloat16"}
    assert plan_blocks("op", LIKE.to("meta"), 9, 9, **options)[:2] == ("reference", torch.bfloat16)


def test_without_a_budget_nothing_is_kept():
    assert plan() == (768, 0, 1)
    assert plan(rows=100) == (100, 0, 1)


def test_the_budget_is_shared_between_the_block_and_what_is_kept():
    block, keep, workers = plan(memory_budget=10**9)
    assert block == 768 and workers == 1 and keep == 10**9 - needed(768)


def test_a_small_budget_gives_a_smaller_block():
    budget = needed(300)
    block, keep, workers = plan(memory_budget=budget)
    assert block == 192 and workers == 1 and keep == budget - needed(192)


def test_a_block_is_halved_until_it_fits_or_is_small():
    assert fitting_block(768, needed, needed(300)) == 192
    assert fitting_block(768, needed, 0) == 48 and fitting_block(20, needed, 0) == 20


def test_many_tiles_on_a_cpu_are_shared(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    cpu = torch.device("cpu")
    assert plan_workers(2000, 1000, block=250, device=cpu) == 3
    assert plan_workers(2000, 1000, block=500, device=cpu) == 1
    assert plan_workers(2000, 1000, block=250, device=torch.device("meta")) == 1
    monkeypatch.setattr(torch, "get_num_threads", lambda: 64)
    assert plan_workers(2000, 1000, block=250, device=cpu) == MOST_WORKERS
    assert plan(rows=20000)[2] == MOST_WORKERS
    monkeypatch.setattr(torch.backends.openmp, "is_available", lambda: False)
    assert plan_workers(2000, 1000, block=250, device=cpu) == 1


def test_grows_with_rows_not_with_their_square():
    assert needed(768, rows=40000) < 2 * needed(768, rows=20000)
    assert needed(768, 40000, "reference") > 3.5 * needed(768, 20000, "reference")


def test_reads_what_is_available():
    assert 0 < available_bytes(torch.device("cpu")) < 2**50


@pytest.mark.parametrize(
    "options, message",
    [
        (
            {"block_rows": 20000},
            "op: needs about 4.8 GB for n=20000, block_rows=20000; use block_rows ≤ 9164",
        ),
        (
            {"backend": "reference", "nodes": 7},
            "op: needs about 8.0 GB for n=7; use backend='blockwise'",
        ),
    ],
)
def test_refuses_before_the_allocation(monkeypatch, options, message):
    monkeypatch.setattr("gclkit.ops.memory.available_bytes", lambda device: 10**9 + 35 * 10**6)
    with pytest.raises(ValueError) as error:
        plan(**options)
    assert str(error.value) == message


@pytest.mark.parametrize("rows", [1500, 3000, 3071])
def test_every_block_that_a_refusal_advises_fits(monkeypatch, rows):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    for budget in (4e6, 7e6, 12e6, 18e6):
        with pytest.raises(ValueError) as error:
            plan(rows=rows, block_rows=rows, memory_budget=budget)
        advice = str(error.value).partition("use block_rows ≤ ")[2]
        for share in (1.0, 0.9, 0.7, 0.5) if advice else ():
            assert plan(rows=rows, block_rows=int(share * int(advice)), memory_budget=budget)
    assert advice


def test_refuses_a_budget_below_the_vectors():
    with pytest.raises(ValueError) as error:
        plan(memory_budget=10**6)
    assert str(error.value) == (
        "op: needs about 22.5 MB for n=20000, block_rows=48; use a larger memory_budget"
    )

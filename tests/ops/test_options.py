import inspect

import pytest

from gclkit.ops import BlockOptions, similarity_logsumexp
from gclkit.ops.options import check_options


def test_every_option_is_an_argument_of_the_primitive():
    arguments = inspect.signature(similarity_logsumexp).parameters
    assert set(BlockOptions.__annotations__) <= set(arguments)


def test_options_in_range_are_returned_with_the_defaults():
    given = {"precision": "bfloat16", "memory_budget": 1e6}
    assert check_options("F", **given) == given | {"backend": "auto", "block_rows": None}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "int8"}, "'precision' must be one of ['bfloat16', 'float32'] (got 'int8')"),
        (
            {"backend": "fast"},
            "'backend' must be one of ['auto', 'blockwise', 'reference', 'triton'] (got 'fast')",
        ),
        ({"memory_budget": -1}, "'memory_budget' must be a positive number (got -1)"),
        ({"block_rows": 0}, "'block_rows' must be an integer of at least 1 (got 0)"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError) as error:
        check_options("F", **options)
    assert str(error.value) == f"F: {message}"

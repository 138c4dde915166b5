import pytest
import torch

from gclkit.losses import InfoNCE, infonce
from gclkit.ops import BlockOptions, mutual_logsumexp, similarity_logsumexp
from gclkit.ops.options import DEFAULTS, check_options, without_triton

Z = torch.eye(3)


def test_every_option_has_a_default():
    assert DEFAULTS.keys() == BlockOptions.__annotations__.keys()


@pytest.mark.parametrize("function", [similarity_logsumexp, mutual_logsumexp, infonce, InfoNCE])
def test_an_option_that_there_is_not_is_refused_in_the_name_of_what_was_called(function):
    with pytest.raises(TypeError) as error:
        function(*(() if function is InfoNCE else (Z, Z)), block_row=2)
    name = function.__name__
    assert str(error.value) == f"{name}() got an unexpected keyword argument 'block_row'"


def test_auto_is_blockwise_where_there_is_no_kernel():
    assert without_triton("F", "", {"block_rows": 2}) == {"block_rows": 2, "backend": "blockwise"}
    assert without_triton("F", "", {"backend": "reference"}) == {"backend": "reference"}
    with pytest.raises(ValueError) as error:
        without_triton("F", "another", {"backend": "triton"})
    assert str(error.value) == "F: 'backend' must be another (got 'triton')"


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

import inspect

from gclkit.ops import BlockOptions, similarity_logsumexp


def test_every_option_is_an_argument_of_the_primitive():
    arguments = inspect.signature(similarity_logsumexp).parameters
    assert set(BlockOptions.__annotations__) <= set(arguments)

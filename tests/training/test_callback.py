import inspect

from gclkit.training import Callback


def test_a_function_of_four_arguments_is_a_callback():
    def count(epoch, record, method, data):
        record["count"] = epoch

    protocol = inspect.signature(Callback.__call__)
    assert list(protocol.parameters)[1:] == list(inspect.signature(count).parameters)

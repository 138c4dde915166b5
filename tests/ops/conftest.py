from importlib.util import find_spec

import pytest
import torch


@pytest.fixture(params=["blockwise", "triton"])
def backend(request):
    """Every implementation that is not the definition."""
    if request.param == "triton" and find_spec("triton") is None:
        pytest.skip("needs the package triton")
    return request.param


@pytest.fixture
def device():
    return "cuda" if torch.cuda.is_available() else "cpu"

"""Triton kernels run on the CPU through Triton's interpreter, so that every suite covers them."""

import os
from importlib.util import find_spec

import pytest
import torch

# Read where a kernel is defined, so it has to be set before the first import of one.
os.environ.setdefault("TRITON_INTERPRET", "1")


@pytest.fixture(params=["blockwise", "triton"])
def backend(request):
    """Every implementation that is not the definition."""
    if request.param == "triton" and find_spec("triton") is None:
        pytest.skip("needs the package triton")
    return request.param


@pytest.fixture
def device():
    return "cuda" if torch.cuda.is_available() else "cpu"

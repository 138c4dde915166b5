import pytest

from gclkit.graphs import load
from gclkit.training import RunConfig
from gclkit.training.run_settings import RunSettings


@pytest.fixture(scope="module")
def graph():
    """A small graph with communities."""
    return load("sbm", num_nodes=150, log=None)


@pytest.fixture(scope="session")
def config():
    """Makes the configuration of a small GRACE, run as asked."""

    def make(**run):
        model = {"out_channels": 4, "projection_channels": 4, "edge_p": [0.3, 0.5]}
        return RunConfig("grace", "sbm", model=model, run=RunSettings(splits="random", **run))

    return make

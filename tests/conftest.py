import os
from pathlib import Path

import numpy as np
import pytest

# Triton reads it when it is first imported, which other packages do: kernels run on the CPU,
# through Triton's interpreter, so that every suite covers them.
os.environ.setdefault("TRITON_INTERPRET", "1")
if "PYTEST_XDIST_WORKER" in os.environ:  # Workers that all use every core wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def data_root():
    """The folder with the real graphs, from $GCLKIT_DATA."""
    root = os.environ.get("GCLKIT_DATA")
    if not root or not Path(root).is_dir():
        pytest.skip("needs real graphs: set GCLKIT_DATA to their folder")
    return Path(root)


@pytest.fixture(scope="session")
def parity(data_root):
    """Numbers of a published implementation, by name: ``parity("pot")["published_score"]``."""
    folder = data_root.parent / "parity"
    if not folder.is_dir():
        pytest.skip("needs the folder 'parity' beside GCLKIT_DATA")

    def read(name):
        with np.load(folder / f"{name}.npz", allow_pickle=False) as file:
            return dict(file)

    return read


@pytest.fixture(autouse=True)
def narrow_products(monkeypatch, tmp_path_factory):
    """A CPU that multiplies bf16 faster, so that every machine tests the narrow products."""
    path = tmp_path_factory.getbasetemp() / "cpuinfo"
    path.write_text("vendor_id : AuthenticAMD\nflags : fpu avx512_bf16\n")
    monkeypatch.setattr("gclkit.bfloat16.CPUINFO", path)

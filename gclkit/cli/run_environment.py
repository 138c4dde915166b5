"""Where a run took place, and what of it repeats."""

from __future__ import annotations

from typing import Any

import torch

import gclkit
from gclkit.bfloat16 import bfloat16_pays
from gclkit.training import RunConfig

DETERMINISM = {
    "cpu": "bit-identical for one machine, seed and number of threads, also when resumed",
    "other": (
        "not guaranteed bit for bit: index_add of the degrees and the sparse-dense products of the "
        "encoder may add in another order in each run"
    ),
}


def environment(config: RunConfig) -> dict[str, Any]:
    """Versions, device and arithmetic of a run, and what of it repeats bit for bit."""
    device = torch.device(config.run.device or "cpu")
    precision = config.model.get("precision", "float32")
    if precision == "bfloat16" and not bfloat16_pays(device):
        precision = "float32 (bfloat16 was asked for, which this CPU multiplies no faster)"
    return {
        "gclkit": gclkit.__version__,
        "torch": torch.__version__,
        "device": config.run.device or "cpu",
        "threads": torch.get_num_threads(),
        "precision": precision,
        "backend": config.model.get("backend", "auto"),
        "determinism": DETERMINISM["cpu" if device.type == "cpu" else "other"],
    }


def peak_rss_mb() -> float:
    """The most memory that this process has held, in MB; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

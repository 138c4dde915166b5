"""Which dtype ``precision="bfloat16"`` multiplies in: the one rule behind it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

PRECISIONS = ("bfloat16", "float32")
CPUINFO = Path("/proc/cpuinfo")


def bfloat16_pays(device: torch.device) -> bool:
    """Returns whether products of bf16 factors are faster than those of fp32 ones.

    Yes on anything but a CPU. On a CPU as measured: with AMX, and with AVX-512 BF16 on AMD's;
    Intel's without AMX (which virtual machines often hide) take twice the time of fp32, and
    where there is no such instruction each factor is widened first. Where the system does not
    tell, no. What is asked for in bf16 is then multiplied in fp32: more exact and no slower.

    Args:
        device: Where the product would run.
    """
    return device.type != "cpu" or _cpu_pays(CPUINFO)


@lru_cache
def _cpu_pays(path: Path) -> bool:
    try:
        lines = (line.partition(":") for line in path.read_text().splitlines())
    except OSError:
        return False  # Not Linux.
    fields = {name.strip(): value.split() for name, _, value in lines}
    flags = fields.get("flags", [])
    return "amx_bf16" in flags or (
        "avx512_bf16" in flags and fields.get("vendor_id") == ["AuthenticAMD"]
    )

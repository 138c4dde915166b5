"""Print versions, device and backends, to paste into a bug report."""

from __future__ import annotations

import argparse


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb to the parser."""
    parser = commands.add_parser(
        "env",
        help="versions, device, backends",
        description=__doc__,
        epilog="example: gclkit env",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    import os
    import platform
    from importlib.metadata import PackageNotFoundError, version

    import torch

    import gclkit
    from gclkit.bfloat16 import bfloat16_pays

    packages = ("torch-geometric", "numpy", "scipy", "scikit-learn", "networkx",
                "graspologic-native", "python-louvain", "triton")  # fmt: skip
    rows = {
        "gclkit": gclkit.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "torch": torch.__version__,  # Names the build too: cpu, or the version of CUDA.
    }
    for package in packages:
        try:
            rows[package] = version(package)
        except PackageNotFoundError:
            rows[package] = "not installed"
    rows["cpu threads"] = str(torch.get_num_threads())
    rows["gpu"] = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    usable = ["reference", "blockwise"]
    if torch.cuda.is_available() and rows["triton"] != "not installed":
        usable.append("triton")
    pays = bfloat16_pays(torch.device("cpu"))
    rows["bfloat16 on the cpu"] = "yes" if pays else "no faster, so multiplied in float32"
    rows["loss backends"] = ", ".join(usable)
    rows["GCLKIT_DATA"] = os.environ.get("GCLKIT_DATA", "not set")
    for name, value in rows.items():
        print(f"{name:<20} {value}")
    return 0

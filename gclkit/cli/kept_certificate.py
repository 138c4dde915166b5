"""The certificate of a run whose report is written anew."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gclkit.reports import RunFolder
from gclkit.reports.files import read_json


def checkpoint_hash(path: Path) -> str:
    """Tells a checkpoint, of which a certificate is, from every other."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def kept_certificate(folder: RunFolder, seeds: Sequence[int]) -> dict[str, Any] | None:
    """The certificate in the report of a run, if the checkpoint is still the one it is of.

    Else nothing, and what ``certify`` wrote beside the report is deleted.

    Args:
        folder: Of the run.
        seeds: Those of the new report.
    """
    certificate = read_json(folder.path / "report.json").get("certificate")
    if isinstance(certificate, dict) and certificate.get("seed") in seeds:
        checkpoint = folder.seed_folder(certificate["seed"]) / "checkpoint.pt"
        if checkpoint.is_file() and checkpoint_hash(checkpoint) == certificate.get("checkpoint"):
            return certificate
    (folder.path / "certificate.npz").unlink(missing_ok=True)
    for plot in folder.path.glob("plots/certificate_*.png"):
        plot.unlink()
    return None

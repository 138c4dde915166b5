"""The history of a run as TensorBoard shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch_geometric.data import Data

from gclkit.methods import Method


class TensorBoardLogger:
    """A callback that writes every number of an epoch's record as a scalar.

    Put it behind the callbacks that add to the record. A resumed run goes on in the same
    folder; what an interrupted one had written beyond its checkpoint is purged.

    Args:
        folder: Where event files go; made on the first epoch.

    Raises:
        ImportError: On the first epoch, if ``tensorboard`` is not installed.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.writer: Any = None

    def __call__(self, epoch: int, record: dict[str, float], method: Method, data: Data) -> None:
        if self.writer is None:
            self.writer = _open(self.folder, epoch)
        for name, value in record.items():
            if name != "epoch":
                self.writer.add_scalar(name, value, epoch)
        self.writer.flush()

    def close(self) -> None:
        """Closes the event file; a later epoch opens another."""
        if self.writer is not None:
            self.writer.close()
            self.writer = None


def _open(folder: Path, epoch: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        text = "TensorBoardLogger: needs tensorboard; pip install 'gclkit[tensorboard]'"
        raise ImportError(text) from error
    return SummaryWriter(str(folder), purge_step=epoch)

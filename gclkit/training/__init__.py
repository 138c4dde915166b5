"""The training loop, its checkpoints and its recipes."""

from gclkit.training.callback import Callback
from gclkit.training.checkpoint import load_checkpoint, save_checkpoint
from gclkit.training.collapse import CollapseWarning, diagnose_collapse
from gclkit.training.interrupt import TrainingInterrupted
from gclkit.training.pretrain import Pretrained, TrainingDiverged, pretrain

__all__ = [
    "Callback",
    "CollapseWarning",
    "Pretrained",
    "TrainingDiverged",
    "TrainingInterrupted",
    "diagnose_collapse",
    "load_checkpoint",
    "pretrain",
    "save_checkpoint",
]

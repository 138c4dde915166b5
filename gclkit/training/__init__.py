"""The training loop, its checkpoints and its recipes."""

from gclkit.training.callback import Callback
from gclkit.training.checkpoint import load_checkpoint, save_checkpoint
from gclkit.training.collapse import CollapseWarning, diagnose_collapse
from gclkit.training.config import (
    RunConfig,
    build_method,
    list_methods,
    list_recipes,
    read_config,
    resolve_config,
)
from gclkit.training.interrupt import TrainingInterrupted
from gclkit.training.loop import TrainingDiverged
from gclkit.training.memory import MemoryEstimate, estimate_training_memory
from gclkit.training.pretrain import Pretrained, pretrain
from gclkit.training.tensorboard import TensorBoardLogger

__all__ = [
    "Callback",
    "CollapseWarning",
    "MemoryEstimate",
    "Pretrained",
    "RunConfig",
    "TensorBoardLogger",
    "TrainingDiverged",
    "TrainingInterrupted",
    "build_method",
    "diagnose_collapse",
    "estimate_training_memory",
    "list_methods",
    "list_recipes",
    "load_checkpoint",
    "pretrain",
    "read_config",
    "resolve_config",
    "save_checkpoint",
]

"""How a method is trained: the settings of the optimiser."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from gclkit.checks import check_choice, check_count, check_non_negative, check_positive
from gclkit.training.schedule import SCHEDULES

OWNER = "pretrain"


@dataclass(frozen=True)
class TrainingSettings:
    """The settings of :func:`~gclkit.training.pretrain` that a recipe may choose, explained there.

    Raises:
        ValueError: For a setting out of range, in the name of ``pretrain``.
    """

    epochs: int = 200
    lr: float = 1e-3
    weight_decay: float = 1e-5
    warmup: int = 0
    schedule: str = "constant"
    max_grad_norm: float | None = None
    retries: int = 0

    def __post_init__(self) -> None:
        norm = self.max_grad_norm
        # Plain numbers: a checkpoint with those of NumPy is not read.
        self.__dict__.update(
            epochs=check_count(OWNER, "epochs", self.epochs),
            lr=check_positive(OWNER, "lr", self.lr),
            weight_decay=check_non_negative(OWNER, "weight_decay", self.weight_decay),
            warmup=check_count(OWNER, "warmup", self.warmup, at_least=0),
            schedule=check_choice(OWNER, "schedule", self.schedule, SCHEDULES),
            max_grad_norm=None if norm is None else check_positive(OWNER, "max_grad_norm", norm),
            retries=check_count(OWNER, "retries", self.retries, at_least=0),
        )

    def kept_on_resume(self) -> dict[str, Any]:
        """What a resumed run must have in common with the one that it goes on with."""
        names = ["lr", "weight_decay", "warmup", "schedule", "max_grad_norm"]
        if self.schedule != "constant":
            names.append("epochs")
        return {name: value for name, value in asdict(self).items() if name in names}

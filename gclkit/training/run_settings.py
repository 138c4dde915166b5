"""How a run is trained and evaluated, beside method and training: its seeds, tasks and data."""

from __future__ import annotations

from dataclasses import dataclass, field

from gclkit.checks import check_choice, check_count, check_probability, check_seed, reject

OWNER = "RunSettings"
CONTROLS = ("raw_features", "untrained_encoder", "propagated_features", "spectral_embedding")


@dataclass(frozen=True)
class RunSettings:
    """How a run is trained and evaluated.

    Attributes:
        seeds: One training each, all different.
        tasks: What the embeddings are scored on.
        controls: What stands beside every score.
        splits: Kind of the node splits; ``"auto"`` is the public one where the graph has it, else
            ``"random"``.
        num_splits: Number of random splits.
        every: Epochs between two checkpoints.
        evaluate_every: Epochs between two looks at the validation nodes. (default: none)
        tensorboard: Whether the history is also logged for TensorBoard.
        papers_probe: Whether the classifier behind the published figures scores too.
        root: Folder of the datasets. (default: ``datasets``)
        features: File of an own graph's features.
        labels: File of an own graph's classes.
        device: Where to train. (default: the CPU)
        regularizer: ``"pot"`` or none.
        kappa: Its weight, in [0, 1].
        pot_mode: Its bounds, see :class:`~gclkit.regularizers.ProvableTraining`.
        pot_anchors: Nodes drawn per step that it bounds. (default: all)

    Raises:
        ValueError: For a value of another kind or out of range.
    """

    seeds: list[int] = field(default_factory=lambda: [0, 1, 2])
    tasks: list[str] = field(default_factory=lambda: ["classification"])
    controls: list[str] = field(default_factory=lambda: list(CONTROLS))
    splits: str = "auto"
    num_splits: int = 5
    every: int = 100
    evaluate_every: int | None = None
    tensorboard: bool = False
    papers_probe: bool = False
    root: str | None = None
    features: str | None = None
    labels: str | None = None
    device: str | None = None
    regularizer: str | None = None
    kappa: float = 0.4
    pot_mode: str = "pairwise"
    pot_anchors: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.seeds, list) or not self.seeds:
            reject(OWNER, "seeds", "a list of one seed or more", self.seeds)
        for seed in self.seeds:
            check_seed(OWNER, "seeds", seed)
        if len(set(self.seeds)) < len(self.seeds):
            reject(OWNER, "seeds", "different numbers", self.seeds)
        for name in ("tasks", "controls"):
            names = getattr(self, name)
            if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
                reject(OWNER, name, "a list of names", names)
        check_count(OWNER, "num_splits", self.num_splits)
        check_count(OWNER, "every", self.every)
        for name in ("evaluate_every", "pot_anchors"):
            if getattr(self, name) is not None:
                check_count(OWNER, name, getattr(self, name))
        for name in ("tensorboard", "papers_probe"):
            if not isinstance(getattr(self, name), bool):
                reject(OWNER, name, "true or false", getattr(self, name))
        for name in ("splits", "pot_mode", "root", "features", "labels", "device", "regularizer"):
            text = getattr(self, name)
            if not isinstance(text, str) and (text is not None or name in ("splits", "pot_mode")):
                reject(OWNER, name, "a text", text)
        if self.regularizer is not None:
            check_choice(OWNER, "regularizer", self.regularizer, ("pot",))
        check_probability(OWNER, "kappa", self.kappa)

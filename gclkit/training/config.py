"""The configuration of a run: defaults < recipe < command line."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, get_type_hints

import yaml

import gclkit.methods
from gclkit.checks import check_choice, reject
from gclkit.encoders import GNNEncoder
from gclkit.graphs.datasets import dataset_name
from gclkit.methods import Method
from gclkit.methods.two_view import TwoViewContrast
from gclkit.training.run_settings import RunSettings
from gclkit.training.training_settings import TrainingSettings

SOURCES = ("authors", "ours")


@dataclass(frozen=True)
class RunConfig:
    """What is run: a method on a dataset, with all settings resolved.

    Attributes:
        method: Name of the method, lower case.
        dataset: Name of the dataset.
        model: Arguments of the method's constructor.
        training: Arguments of :func:`~gclkit.training.pretrain`.
        source: Where the recipe comes from: ``"authors"`` or ``"ours"``.
        note: What is to be known about it.
        published: Published figures, by name: mean and, if known, deviation, as fractions.
        run: How it is run and evaluated: seeds, tasks, splits and where the data are.
    """

    method: str
    dataset: str
    model: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    source: str = "ours"
    note: str = ""
    published: dict[str, list[float]] = field(default_factory=dict)
    run: RunSettings = field(default_factory=RunSettings)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as written to ``config.yaml``."""
        return asdict(self)


def method_class(name: str) -> type[Method]:
    """The class of a method by its name, in any case.

    Raises:
        ValueError: If there is no such method; lists the known ones.
    """
    known = list_methods()
    check_choice("method_class", "method", name.lower(), known)
    return known[name.lower()]


def list_methods() -> dict[str, type[Method]]:
    """The methods by name."""
    rooms = (getattr(gclkit.methods, name) for name in gclkit.methods.__all__)
    methods = (room for room in rooms if inspect.isclass(room) and issubclass(room, Method))
    return {m.__name__.lower(): m for m in methods if m not in (Method, TwoViewContrast)}


def model_options(method: type[Method]) -> dict[str, Any]:
    """What a method takes by name, and its type: the arguments of its constructor, those of its
    bases and encoder included.
    """
    options: dict[str, Any] = {}
    for cls in (*method.__mro__[: method.__mro__.index(Method)], GNNEncoder):
        if "__init__" not in cls.__dict__:
            continue
        init = cls.__dict__["__init__"]
        hints = get_type_hints(init)
        for option in inspect.signature(init).parameters.values():
            if option.kind is inspect.Parameter.KEYWORD_ONLY:
                options.setdefault(option.name, hints[option.name])
    return options


def list_recipes() -> list[tuple[str, str]]:
    """The (dataset, name) pairs of all recipes, sorted.

    The name is that of the method, or ``method-variant`` for a further recipe of it.
    """
    folder = files("gclkit.training") / "recipes"
    pairs = []
    for dataset in folder.iterdir():
        if dataset.is_dir() and dataset.name != "default":
            pairs += [
                (dataset.name, recipe.name.removesuffix(".yaml"))
                for recipe in dataset.iterdir()
                if recipe.name.endswith(".yaml")
            ]
    return sorted(pairs)


def is_measured(dataset: str, name: str) -> bool:
    """Whether the results that come with the library hold figures of a recipe."""
    return bool(_read_recipe(dataset, name)["measured"])


def resolve_config(
    method: str,
    dataset: str,
    *,
    model: dict[str, Any] | None = None,
    training: dict[str, Any] | None = None,
) -> RunConfig:
    """The configuration of a run, from defaults, recipe and what the caller asked for.

    Args:
        method: Name of the method, or ``method-variant`` for a further recipe of it.
        dataset: Name of the dataset, in any case; without a recipe of its own the method's
            default holds.
        model: Settings that override the recipe's.
        training: Settings that override the recipe's.

    Raises:
        ValueError: For an unknown method, an unknown key or a switch neither true nor false.
    """
    name = method.lower()
    dataset = dataset_name(dataset) or dataset
    method, _, variant = name.partition("-")
    method_class(method)  # Unknown names are refused before a recipe is looked for.
    if variant and (dataset, name) not in list_recipes():
        known = [found for graph, found in list_recipes() if graph == dataset]
        check_choice("resolve_config", "method", name, known)
    recipe = _read_recipe(dataset, name)
    config = RunConfig(
        method=method,
        dataset=dataset,
        model={**recipe["model"], **(model or {})},
        training={**asdict(TrainingSettings()), **recipe["training"], **(training or {})},
        source=recipe["source"],
        note=recipe["note"],
        published=recipe["published"],
        run=RunSettings(**recipe["run"]),
    )
    check_config(config)
    return config


def check_config(config: RunConfig, *, owner: str | None = None) -> None:
    """Raises a ``ValueError`` in the name of the recipe, or of ``owner``, if a key is unknown or
    a switch neither true nor false.
    """
    options = model_options(method_class(config.method))
    owner = owner or f"recipe {config.dataset}/{config.method}"
    for key, value in config.model.items():
        check_choice(owner, "model", key, options)
        if options[key] is bool and not isinstance(value, bool):
            reject(owner, key, "true or false", value)
    for key in config.training:
        check_choice(owner, "training", key, TrainingSettings.__dataclass_fields__)
    check_choice(owner, "source", config.source, SOURCES)


def build_method(config: RunConfig, in_channels: int) -> Method:
    """The method of a configuration for features of width ``in_channels``.

    Raises:
        ValueError: If a setting is out of range, or there is no memory for the parameters.
    """
    make: Callable[..., Method] = method_class(config.method)
    try:
        return make(in_channels, **config.model)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        widths = {key: config.model[key] for key in config.model if key.endswith("channels")}
        reject(config.method, "model", "one whose parameters fit into the memory", widths)


def as_numbers(value: Any) -> Any:
    """A setting as it was meant: YAML 1.1 takes ``1e-3``, without a point, for a text."""
    if isinstance(value, list):
        return [as_numbers(entry) for entry in value]
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            pass
    return value


class _PlainLoader(yaml.SafeLoader):
    """Makes plain values only, of few levels, which else take seconds, and no aliases: a few of
    those turn a line into gigabytes.
    """

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        return super().compose_node(parent, index)

    def fetch_flow_collection_start(self, token: Any) -> None:
        if self.flow_level == 20:
            raise yaml.YAMLError("more than 20 levels are not read")
        super().fetch_flow_collection_start(token)


def read_config(path: str | Path) -> RunConfig:
    """Reads a ``config.yaml`` that a run has written.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is not a configuration.
    """
    try:
        found = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_PlainLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reject("read_config", "path", "a YAML file", f"{path}: {error}"[:500])
    if not isinstance(found, dict):
        reject("read_config", "path", "a configuration", str(path))
    if "method" not in found:
        reject("read_config", "path", "the configuration of a run of 'gclkit train'", str(path))
    for key in found:
        check_choice("read_config", str(path), key, RunConfig.__dataclass_fields__)
    for key in ("method", "dataset"):
        if not isinstance(found.get(key), str) or not found[key].isprintable():
            reject("read_config", key, "a name", str(found.get(key))[:200])
    for key in ("model", "training", "published", "run"):
        if not isinstance(found.get(key, {}), dict):
            reject("read_config", key, "a mapping", str(found[key])[:200])
    for key in ("model", "training"):
        found[key] = {name: as_numbers(value) for name, value in found.get(key, {}).items()}
    run = found.pop("run", {})
    for key in run:
        check_choice("read_config", "run", key, RunSettings.__dataclass_fields__)
    found["training"] = {**asdict(TrainingSettings()), **found["training"]}
    config = RunConfig(**found, run=RunSettings(**run))
    check_config(config, owner="read_config")
    return config


def _read_recipe(dataset: str, method: str) -> dict[str, Any]:
    folder = files("gclkit.training") / "recipes"
    for name in (dataset, "default"):
        path = folder / name / f"{method}.yaml"
        if path.is_file():
            recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
            break
    else:
        recipe = {}
    empty: dict[str, Any] = {
        "model": {},
        "training": {},
        "source": "ours",
        "note": "",
        "measured": True,
        "published": {},
        "run": {},
    }
    owner = f"recipe {dataset}/{method}"
    for key in recipe:
        check_choice(owner, "key", key, empty)
    for key in recipe.get("run", ()):
        check_choice(owner, "run", key, RunSettings.__dataclass_fields__)
    return {**empty, **recipe}

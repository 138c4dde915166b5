"""Every public name: exists, is documented, and its module is mirrored by a test file."""

import importlib
import inspect
from dataclasses import is_dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gclkit"
ROOMS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
PUBLIC = [
    (room, name)
    for room in ROOMS
    for name in getattr(importlib.import_module(f"gclkit.{room}"), "__all__", [])
]
MODULES = sorted(
    path.relative_to(PACKAGE)
    for path in PACKAGE.rglob("*.py")
    if not path.name.startswith("_") and path.parent != PACKAGE
)


@pytest.mark.parametrize(("room", "name"), PUBLIC)
def test_is_there_and_documented(room, name):
    thing = getattr(importlib.import_module(f"gclkit.{room}"), name)
    assert inspect.getdoc(thing), f"gclkit.{room}.{name} has no docstring"


@pytest.mark.parametrize("room", ROOMS)
def test_the_names_of_a_room_are_sorted_and_unique(room):
    names = getattr(importlib.import_module(f"gclkit.{room}"), "__all__", [])
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_every_module_has_a_test_file_of_its_name(module):
    mirror = ROOT / "tests" / module.parent
    nested = (ROOT / "tests" / module.parent.parent) / f"test_{module.parent.name}.py"
    assert (mirror / f"test_{module.name}").exists() or (
        module.name == "api.py" and nested.exists()
    )


def test_the_names_of_the_design_are_there():
    for room, names in {
        "graphs": "load list_datasets random_split public_split Split",
        "communities": "detect community_strength AddCommunities",
        "augmentations": "EdgeDrop FeatureMask CommunalEdgeDropping CommunalAttributeVoting",
        "encoders": "GCNEncoder Projector",
        "losses": "infonce InfoNCE team_up TeamUp",
        "ops": "similarity_logsumexp",
        "methods": "CSGCL GRACE",
        "training": "pretrain",
        "evaluators": "LinearProbe evaluate",
    }.items():
        module = importlib.import_module(f"gclkit.{room}")
        assert set(names.split()) <= set(module.__all__)


@pytest.mark.parametrize(("room", "name"), PUBLIC)
def test_settings_and_results_do_not_change(room, name):
    public = getattr(importlib.import_module(f"gclkit.{room}"), name)
    if inspect.isclass(public) and is_dataclass(public):
        assert public.__dataclass_params__.frozen

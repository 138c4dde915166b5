"""What the documentation says is run: the README's example and every doctest."""

import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest

from gclkit import augmentations

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "gclkit").rglob("*.py"))
    if ">>>" in path.read_text(encoding="utf-8")
]


def test_the_python_example_of_the_readme_runs(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.S)
    assert code.count("\n") <= 11, "ten lines"
    exec(compile(code, "README.md", "exec"), {})
    assert 0.9 < float(capsys.readouterr().out.splitlines()[-1]) <= 1


def test_the_readme_names_both_commands():
    for number in (1, 2):
        assert re.search(rf"<!-- command {number} -->\n    \S.*\n", README)


@pytest.mark.parametrize("name", sorted(re.findall(r"`(examples/\w+\.py)`", README)))
def test_the_files_that_the_readme_names_are_there(name):
    assert (ROOT / name).exists()


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    module = importlib.import_module(name)
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    found = doctest.testmod(module, optionflags=options)
    assert found.attempted and not found.failed


def test_docstrings_cite_nothing_that_readers_do_not_have():
    pattern = re.compile(r"methods(\.md)? S\d")
    paths = (ROOT / "gclkit").rglob("*.py")
    assert not [path for path in paths if pattern.search(path.read_text(encoding="utf-8"))]


def test_transforms_with_a_generator_say_what_worker_processes_draw():
    drawing = [
        transform
        for transform in map(augmentations.__dict__.get, augmentations.__all__)
        if isinstance(transform, type) and "generator" in inspect.signature(transform).parameters
    ]
    assert len(drawing) == 8
    for transform in drawing:
        assert "Leave it out where worker" in inspect.getdoc(transform), transform.__name__

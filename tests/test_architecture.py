"""The data flow as a table: which room may import which. Everything else is refused."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "gclkit"
MAY_IMPORT = {
    "__init__": set(),
    "__main__": {"cli"},
    "atomic": set(),
    "bfloat16": set(),
    "checks": set(),
    "sparse": set(),
    "ops": set(),
    "graphs": set(),
    "communities": {"graphs"},
    "augmentations": {"graphs", "communities", "bounds"},
    "encoders": set(),
    "losses": {"ops"},
    "bounds": {"ops"},
    "regularizers": {"bounds"},
    "methods": {"graphs", "communities", "augmentations", "encoders", "losses"},
    "training": {"graphs", "encoders", "methods", "regularizers", "losses", "bounds", "ops"},
    "evaluators": {"graphs"},
    "reports": set(),
    "testing": {"graphs"},
}
MAY_IMPORT["cli"] = set(MAY_IMPORT) - {"testing", "__main__"}
# Below the line, open to every room: the error sentence, the sparse matrix, the narrow product,
# the file that is whole.
EVERYWHERE = {"atomic", "bfloat16", "checks", "sparse"}


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            if node.level:
                rooms.add("a relative import")
            names = [node.module or ""]
            if node.module == "gclkit":
                names = [f"gclkit.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        rooms |= {name.split(".")[1] for name in names if name.startswith("gclkit.")}
    return rooms - {"__version__"}


MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert imported_rooms(path) <= MAY_IMPORT[room] | EVERYWHERE | {room}


def test_a_forbidden_import_is_seen(tmp_path):
    for line in ("import gclkit.cli.main", "from gclkit import cli", "from gclkit.cli import main"):
        path = tmp_path / "module.py"
        path.write_text(f"def f():\n    {line}\n")
        assert imported_rooms(path) == {"cli"}

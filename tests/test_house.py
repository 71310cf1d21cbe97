"""The house rules: lint, format, types, the direction of imports, and the map."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


CHECKS = {
    "lint": ["-m", "ruff", "check", "."],
    "format": ["-m", "ruff", "format", "--check", "."],
    "types": ["-m", "mypy"],
    "imports": ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
}


@pytest.mark.parametrize("arguments", CHECKS.values(), ids=CHECKS)
def test_check_passes(arguments):
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


LIBRARY = ROOT / "pomodoro_pymol"
MODULES = {path.relative_to(LIBRARY): path.read_text(encoding="utf-8") for path in sorted(LIBRARY.rglob("*.py"))}


def test_every_module_is_on_the_map():
    page = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+(?:/|\.py))`", page.partition("## The map")[2].partition("## ")[0])
    rooms = {Path(name) for name in named if name.endswith("/")}
    packages = {path.parent for path in MODULES} - {Path()}
    assert packages <= rooms
    root = {path.name for path in MODULES if path.parent == Path()}
    assert root == {"__init__.py", "__main__.py", "cli.py", "demo.py", "errors.py", "health.py"}
    assert {"cli.py", "demo.py", "errors.py", "health.py"} <= set(named)
    assert {room for room in rooms if (LIBRARY / room).is_dir()} == packages


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_holds_one_idea(path):
    text = MODULES[path]
    assert text.count("\n") <= 400 or path == Path("parameters", "catalogue.py")
    if path.name == "__init__.py" and path.parent not in (Path(), Path("commands")):
        (only,) = ast.parse(text).body
        assert ast.get_docstring(ast.parse(text)), only


def test_the_viewer_is_told_which_pymol():
    """A default would fall to the global one without a word."""
    for path, text in MODULES.items():
        if path.parent == Path("viewer"):
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.arguments):
                    positional = [*node.posonlyargs, *node.args]
                    given = [argument.arg for argument in positional[len(positional) - len(node.defaults) :]]
                    given += [argument.arg for argument, default in zip(node.kwonlyargs, node.kw_defaults) if default]
                    assert "_self" not in given, path

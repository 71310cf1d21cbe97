"""Counts what a house of code is made of, one column per checkout: ``python count_house.py BEFORE AFTER``.

Of the library (`pomodoro_pymol/` and `plugin/`), then of the tests. A line of code is one that is not blank and not of
documentation, which docstrings and comments are. An import between packages is a pair of packages, one of which
imports the other anywhere in a module; an imported module beside the packages counts as one. A repeated run is one of
six or more lines of code, imports and lone brackets apart, that stands elsewhere too, to the letter but for its
indentation.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

#: Lines of a repeated run, at least.
RUN = 6

Functions = (ast.FunctionDef, ast.AsyncFunctionDef)


def count(folders: list[Path]) -> dict[str, str]:
    """Return what is counted in the Python files of some folders, in words."""
    paths = sorted(path for folder in folders for path in folder.rglob("*.py"))
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    trees = {path: ast.parse(text) for path, text in texts.items()}
    documented = {path: documentation(texts[path], trees[path]) for path in paths}
    written = {path: code(texts[path], documented[path]) for path in paths}
    functions = [
        (node.end_lineno - node.lineno + 1, f"{path.parent.name}/{path.name} {node.name}")
        for path in paths
        for node in ast.walk(trees[path])
        if isinstance(node, Functions)
    ]
    modules = sorted(((texts[path].count("\n"), f"{path.parent.name}/{path.name}") for path in paths), reverse=True)
    pairs = {pair for path in paths for pair in package_imports(path, trees[path])}
    runs, lines = repeated_runs([repeatable(written[path], trees[path]) for path in paths])
    return {
        "lines of code": str(sum(map(len, written.values()))),
        "lines of documentation": str(sum(map(len, documented.values()))),
        "modules": str(len(paths)),
        "longest module, lines": "{} {}".format(*modules[0]),
        "next": "{} {}".format(*modules[1]),
        "modules above 300 lines": str(sum(length > 300 for length, _ in modules)),
        "longest function, lines": "{} {}".format(*max(functions)),
        "functions above 60 lines": str(sum(length > 60 for length, _ in functions)),
        "imports between packages": str(len(pairs)),
        "repeated runs": str(runs),
        "lines in them": str(lines),
    }


def documentation(text: str, tree: ast.Module) -> set[int]:
    """Return the numbers of the lines of docstrings and of comments that stand alone."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, *Functions)) and ast.get_docstring(node) is not None:
            found.update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and not token.line[: token.start[1]].strip():
            found.add(token.start[0])
    return found


def code(text: str, documented: set[int]) -> dict[int, str]:
    """Return the lines of code by number, stripped."""
    lines = {number: line.strip() for number, line in enumerate(text.splitlines(), 1)}
    return {number: line for number, line in lines.items() if line and number not in documented}


def repeatable(written: dict[int, str], tree: ast.Module) -> list[str]:
    """Return the lines of code of a module that count where they repeat."""
    imported = {
        number
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for number in range(node.lineno, node.end_lineno + 1)
    }
    return [line for number, line in written.items() if number not in imported and line.strip("()[]{},:\"' ")]


def repeated_runs(modules: list[list[str]]) -> tuple[int, int]:
    """Return how many repeated runs there are, each place of one counted, and how many lines they have."""
    windows = Counter(window for lines in modules for window in _windows(lines))
    runs = total = 0
    for lines in modules:
        repeated = [False] * len(lines)
        for start, window in enumerate(_windows(lines)):
            if windows[window] > 1:
                repeated[start : start + RUN] = [True] * RUN
        total += sum(repeated)
        runs += sum(now and not before for before, now in zip([False, *repeated], repeated))
    return runs, total


def _windows(lines: list[str]) -> Iterator[tuple[str, ...]]:
    return (tuple(lines[start : start + RUN]) for start in range(len(lines) - RUN + 1))


def package_imports(path: Path, tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the package of a module of ours, and another that it imports from; one beside the packages is its own."""
    if "pomodoro_pymol" not in path.parts:
        return
    depth = len(path.parts) - path.parts[::-1].index("pomodoro_pymol")
    root, here = Path(*path.parts[:depth]), path.parts[depth:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            for name in names:
                there = (*here[: len(here) + 1 - node.level], *name.split("."))[0]
                is_ours = (root / there).is_dir() or (root / f"{there}.py").exists()
                if is_ours and here[:1] != (there,):
                    yield here[0] if here else "the root", there


def main() -> None:
    """Print a table with a column for each checkout."""
    checkouts = [Path(name) for name in sys.argv[1:]] or [Path(__file__).parents[2]]
    for title, parts in {"library": ("pomodoro_pymol", "plugin"), "tests": ("tests",)}.items():
        columns = [count([checkout / part for part in parts]) for checkout in checkouts]
        print(f"\n{title}")
        for what in columns[0]:
            print(f"  {what:28}" + "".join(f"{column[what]:40}" for column in columns).rstrip())


if __name__ == "__main__":
    main()

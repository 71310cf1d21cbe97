"""What is installed, what is missing, and the exact command that installs it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import sys

REQUIRED = ("numpy", "scipy", "torch")
OPTIONAL = ("qtpy", "pyqtgraph")


def install_command(*packages: str) -> str:
    """Return the command that installs packages into this interpreter."""
    return f'"{sys.executable}" -m pip install {" ".join(packages)}'


def missing_text(error: ModuleNotFoundError) -> str:
    """Return the line for a package that an import did not find."""
    package = error.name or str(error)
    return f"{package} is missing; install it with: {install_command(package)}"


def missing(packages: tuple[str, ...] = REQUIRED) -> list[str]:
    """Return those of ``packages`` that this interpreter cannot find; imports none of them."""
    return [package for package in packages if importlib.util.find_spec(package) is None]


def check() -> dict[str, str]:
    """Return one finding per thing looked at, in the order to print."""
    findings = {"Python": f"{platform.python_version()}  {sys.executable}"}
    for package in ("pomodoro-pymol", *REQUIRED, *OPTIONAL):
        try:
            findings[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            findings[package] = "missing"
    if "torch" not in missing():
        import torch

        findings["devices"] = ", ".join(
            name
            for name, present in (
                ("cuda", torch.cuda.is_available()),
                ("mps", torch.backends.mps.is_available()),
                ("cpu", True),
            )
            if present
        )
    absent = missing(REQUIRED + OPTIONAL)
    if absent:
        findings["to install"] = install_command(*absent)
    return findings

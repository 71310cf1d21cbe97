"""What a person does with the plugin in PyMOL's window; each scene is played in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
import traceback
from typing import Any

from pymol import cmd


def play(scene: str, arguments: list[str], result: str) -> None:
    """Play a scene once the window stands, write what it noted, and end the process."""
    from pymol.Qt import QtCore

    def work() -> None:
        notes: dict[str, Any] = {}
        try:
            globals()[scene](notes, *arguments)
        except BaseException:
            notes["failed"] = traceback.format_exc()
        with open(result, "w") as file:
            json.dump(notes, file)
        sys.stdout.flush()
        os._exit(0)

    QtCore.QTimer.singleShot(500, work)


# Scenes.


def menu(notes: dict[str, Any], *hidden: str) -> None:
    """From the menu to a coloured result, where some packages are missing."""
    for name in hidden:
        hide(name)
    notes["heavy"] = [name for name in ("torch", "numpy") if sys.modules.get(name)]
    (entry,) = entries()
    entry.trigger()
    wait(lambda: docks() or box())
    notes["docks"] = [dock.isVisible() for dock in docks()]
    notes["box"] = box() and [box().isVisible(), box().text()]
    if docks():
        notes.update(look_at(docks()[0].panel))
        cmd.do("pomnoise z=0 wc=3 wr=8")
        wait(lambda: "1hpv_noise_key" in cmd.get_names(), 3 if hidden else 30)
        wait(lambda: False, 0.3)
        notes["names"] = cmd.get_names()
        notes["states"] = cmd.count_states("all")
        notes["colours"] = len(colours("1hpv_noise")) if "1hpv_noise" in cmd.get_names() else 0
    library = sys.modules.get("pomodoro_pymol")
    notes["library"] = library and os.path.dirname(library.__file__)
    notes["copies"] = sorted(name for name in sys.modules if name.endswith("pomodoro_pymol"))
    notes["keyword"] = (
        cmd.keyword["pomnoise"][0] is sys.modules["pomodoro_pymol.commands"].pomnoise if library else None
    )


def start(notes: dict[str, Any]) -> None:
    """What a fresh start of PyMOL has of us."""
    notes["entries"] = len(entries())
    notes["commands"] = sorted(name for name in cmd.keyword if name.startswith("pom"))
    notes["library"] = "pomodoro_pymol" in sys.modules
    notes["path"] = [entry for entry in sys.path if "startup" in entry]


def exchange(notes: dict[str, Any], folder: str, *archives: str) -> None:
    """Install other versions over the one that is loaded, its panel open, and work with each."""
    for archive in (None, *archives):
        if archive:
            install(archive, folder)
        (entry,) = entries()
        entry.trigger()
        wait(lambda: docks())
        wait(lambda: not docks()[0].panel.watch._loading.is_alive())
        cmd.delete("all")
        cmd.do("load $PYMOL_DATA/tut/1hpv.pdb")
        cmd.do("pomnoise frames=3")
        wait(lambda: "1hpv_noise_key" in cmd.get_names())
        library = sys.modules["pomodoro_pymol"]
        known = [name for name in sys.modules if name.startswith("pomodoro_pymol.")]
        notes.setdefault("versions", []).append(library.__version__)
        notes.setdefault("docks", []).append(len(docks()))
        notes.setdefault("names", []).append(cmd.get_names())
        notes.setdefault("one library", []).append(
            all(sys.modules[name].__file__.startswith(os.path.dirname(library.__file__)) for name in known)
            and cmd.keyword["pomnoise"][0] is sys.modules["pomodoro_pymol.commands"].pomnoise
            and type(docks()[0]) is sys.modules["pomodoro_pymol.panel.dock"].Dock
        )


def disable(notes: dict[str, Any]) -> None:
    """Clear the box "load on start-up" of the Plugin Manager."""
    import pymol.plugins

    pymol.plugins.plugins["pomodoro"].autoload = False
    start(notes)


def load(notes: dict[str, Any]) -> None:
    """Load the disabled plugin by hand, as the Plugin Manager's button does."""
    start(notes)
    cmd.do("plugin_load pomodoro")
    wait(lambda: entries())
    notes["loaded"] = [len(entries()), "pomnoise" in cmd.keyword]


def remove(notes: dict[str, Any]) -> None:
    """Remove the plugin after its panel was used."""
    import pymol.plugins

    entries()[0].trigger()
    wait(lambda: docks())
    docks()[0].close()
    answer_yes()
    notes["removed"] = pymol.plugins.plugins["pomodoro"].uninstall(parent=object())


# What they are made of.


def install(archive: str, folder: str) -> None:
    """Install a zip with PyMOL's own installer."""
    import pymol.plugins
    import pymol.plugins.installation as installation

    answer_yes()
    if not pymol.plugins.plugins:
        pymol.plugins.initialize(-2)  # so that it knows what is installed
    installation.installPluginFromFile(archive, parent=object(), plugdir=folder)


def answer_yes() -> None:
    """Print what message boxes say and ask, and answer yes."""
    import pymol.plugins.legacysupport as legacysupport

    for name in ("showinfo", "askyesno", "askokcancel"):
        setattr(legacysupport.tkMessageBox, name, lambda title, text, **_: print(text, flush=True) or True)


def hide(package: str) -> None:
    """Let a package be missing."""
    find_spec = importlib.util.find_spec
    importlib.util.find_spec = lambda name, *rest: None if name == package else find_spec(name, *rest)
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]
    sys.modules[package] = None  # type: ignore[assignment]


def look_at(panel: Any) -> dict[str, Any]:
    """Load a structure, move a slider, and return what the panel shows."""
    cmd.do("load $PYMOL_DATA/tut/1hpv.pdb")
    wait(lambda: "1551" in panel.counts.text())
    panel.controls["z"].slider.setValue(500)
    wait(lambda: False, 0.5)
    return {
        "banner": [panel.banner.isVisible(), panel.banner.text()],
        "enabled": [panel.run.isEnabled(), panel.live.isEnabled()],
        "counts": panel.counts.text(),
        "line": panel.line.text(),
        "said": panel.status.text(),
        "icons": not panel.copy.icon().isNull(),
    }


def colours(name: str) -> set[int]:
    found: set[int] = set()
    cmd.iterate(f"%{name}", "put(color)", space={"put": found.add})
    return found


def entries() -> list[Any]:
    """Return our entries in the Plugin menu."""
    from pymol.gui import get_qtwindow

    return [action for action in get_qtwindow().menudict["PluginQt"].actions() if action.text() == "Pomodoro"]


def docks() -> list[Any]:
    from pymol.gui import get_qtwindow
    from pymol.Qt import QtWidgets

    return [dock for dock in get_qtwindow().findChildren(QtWidgets.QDockWidget) if hasattr(dock, "panel")]


def box() -> Any:
    from pymol.gui import get_qtwindow
    from pymol.Qt import QtWidgets

    return get_qtwindow().findChild(QtWidgets.QMessageBox, "pomodoro-missing")


def wait(condition: Any, seconds: float = 20) -> None:
    """Let the window live until something holds."""
    from pymol.Qt import QtWidgets

    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        QtWidgets.QApplication.processEvents()
        time.sleep(0.01)

"""The plugin, installed by PyMOL's own installer into a temporary HOME and used in the real window."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parents[2] / "plugin" / "pomodoro"

INSTALL = """
import sys
import pymol.plugins.installation as installation
import pymol.plugins.legacysupport as legacysupport
legacysupport.tkMessageBox.showinfo = lambda title, text, **_: print(text)
installation.installPluginFromFile(sys.argv[1], parent=object(), plugdir=sys.argv[2])
"""

SCENARIO = """
import os, sys, time, traceback
from pymol import cmd
from pymol.gui import get_qtwindow
from pymol.Qt import QtCore, QtWidgets

{hide}
def act():
    try:
        print("heavy:", [name for name in ("torch", "numpy") if sys.modules.get(name)])
        entry, = [a for a in get_qtwindow().menudict["PluginQt"].actions() if a.text() == "Pomodoro"]
        entry.trigger()
        box = get_qtwindow().findChild(QtWidgets.QMessageBox, "pomodoro-missing")
        print("box:", box and box.isVisible(), box and box.text())
        wait(lambda: docks() or box)
        print("docks:", [dock.isVisible() for dock in docks()])
        for dock in docks():
            cmd.do("load $PYMOL_DATA/tut/1hpv.pdb")
            look_at(dock.panel)
            cmd.do("pomnoise z=0 wc=3 wr=8")
            wait(lambda: "1hpv_noise" in cmd.get_names(), 3)
    except BaseException:
        traceback.print_exc()
    print("objects:", cmd.get_names(), cmd.count_states("all"), flush=True)
    os._exit(0)

def look_at(panel):
    wait(lambda: "1551" in panel.counts.text())
    print("banner:", panel.banner.isVisible(), panel.banner.text())
    print("enabled:", panel.run.isEnabled(), panel.live.isEnabled())
    print("counts:", panel.counts.text())
    panel.controls["z"].slider.setValue(500)
    wait(lambda: False, 0.5)
    print("line:", panel.line.text())
    print("said:", panel.status.text())

def docks():
    return [dock for dock in get_qtwindow().findChildren(QtWidgets.QDockWidget) if hasattr(dock, "panel")]

def wait(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        QtWidgets.QApplication.processEvents()
        time.sleep(0.01)

QtCore.QTimer.singleShot(500, act)
"""

HIDE = """
import importlib.util
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == {name!r} else find_spec(name, *rest)
for name in [name for name in sys.modules if name.partition(".")[0] == {name!r}]:
    del sys.modules[name]
sys.modules[{name!r}] = None
"""


@pytest.fixture
def home(tmp_path):
    """A HOME in which PyMOL's installer has installed the plugin."""
    archive = tmp_path / "pomodoro.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(PLUGIN / "__init__.py", "pomodoro/__init__.py")
    startup = tmp_path / ".pymol" / "startup"
    startup.mkdir(parents=True)
    (tmp_path / "install.py").write_text(INSTALL)
    done = subprocess.run(
        [sys.executable, "-m", "pymol", "-cqk", tmp_path / "install.py", "--", archive, startup],
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (startup / "pomodoro" / "__init__.py").exists(), done.stdout + done.stderr
    assert "has been installed" in done.stdout
    return tmp_path


def run_window(home, hide=""):
    """Run the scenario in the real PyMOL window and return what it printed."""
    if shutil.which("xvfb-run") is None:
        assert not os.environ.get("CI"), "CI must have xvfb-run"
        pytest.skip("no xvfb-run: the real window cannot be shown")
    script = home / "scenario.py"
    script.write_text(SCENARIO.format(hide=hide))
    screen = ["xvfb-run", "-a", "-s", "-screen 0 1400x900x24 +extension GLX"]
    done = subprocess.run(
        [*screen, sys.executable, "-m", "pymol", "-q", script],
        env={**os.environ, "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=180,
    )
    return done.stdout + done.stderr


def test_the_menu_opens_the_panel(home):
    output = run_window(home)
    assert "heavy: []" in output
    assert "box: None None" in output
    assert "PyMOL>pompanel" in output
    assert "docks: [True]" in output
    assert "banner: False" in output
    assert "enabled: True True" in output
    assert "line: pomnoise z=1\n" in output
    assert "said: \n" in output
    assert "objects: ['1hpv', '1hpv_noise', '1hpv_noise_key'] 21" in output
    assert "Traceback" not in output


def test_without_torch_the_panel_opens_and_gives_the_exact_command(home):
    output = run_window(home, HIDE.format(name="torch"))
    command = f'"{sys.executable}" -m pip install torch'
    assert "box: None None" in output
    assert "docks: [True]" in output
    assert f"banner: True torch is missing. In a terminal, run\n{command}\nand start PyMOL again." in output
    assert "enabled: False False" in output
    assert "counts: 1hpv: 1551 atoms" in output
    assert "line: pomnoise z=1\n" in output
    assert f"Error: torch is missing; install it with: {command}" in output
    assert "objects: ['1hpv'] 1" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(("module", "package"), [("qtpy", "qtpy"), ("pomodoro_pymol", "pomodoro-pymol")])
def test_what_the_panel_cannot_do_without_is_told_with_the_exact_command(home, module, package):
    output = run_window(home, HIDE.format(name=module))
    command = f'"{sys.executable}" -m pip install {package}'
    assert f"box: True Pomodoro needs {package}. In a terminal, run\n\n{command}\n" in output
    assert output.count(command) == 2  # printed too
    assert "docks: []" in output
    assert "Traceback" not in output

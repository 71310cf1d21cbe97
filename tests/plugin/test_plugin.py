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
import os, sys, traceback
from pymol import cmd
from pymol.gui import get_qtwindow
from pymol.Qt import QtCore, QtWidgets

{hide}
def act():
    try:
        print("heavy:", [name for name in ("torch", "numpy") if name in sys.modules])
        entry, = [a for a in get_qtwindow().menudict["PluginQt"].actions() if a.text() == "Pomodoro"]
        entry.trigger()
        box = get_qtwindow().findChild(QtWidgets.QMessageBox, "pomodoro-missing")
        print("box:", box and box.isVisible(), box and box.text())
        cmd.do("load $PYMOL_DATA/tut/1hpv.pdb")
        cmd.do("pomnoise z=0 wc=3 wr=8")
        QtCore.QTimer.singleShot(3000, finish)
    except BaseException:
        traceback.print_exc()
        finish()

def finish():
    print("objects:", cmd.get_names(), cmd.count_states("all"), flush=True)
    os._exit(0)

QtCore.QTimer.singleShot(2000, act)
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


def test_installed_plugin_adds_menu_entry_and_commands(home):
    output = run_window(home)
    assert "heavy: []" in output
    assert "load a structure, then type" in output
    assert "box: None None" in output
    assert "objects: ['1hpv', '1hpv_noise', '1hpv_noise_key'] 21" in output
    assert "Traceback" not in output


def test_missing_package_gives_the_exact_command(home):
    hide = """
import importlib.util
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "torch" else find_spec(name, *rest)
sys.modules["torch"] = None
"""
    output = run_window(home, hide)
    command = f'"{sys.executable}" -m pip install torch'
    assert "box: True Pomodoro needs torch." in output
    assert output.count(command) >= 2
    assert f"Error: torch is missing; install it with: {command}" in output
    assert "objects: ['1hpv'] 1" in output
    assert "Traceback" not in output

"""The line of the mission does the same typed, in a script, in the real window, and as a function."""

import os
import re
import shutil

import pytest

LINE = "pomnoise z=0 wc=3 wr=8"

SCRIPT = f"""
import pomodoro_pymol.commands
load $PYMOL_DATA/tut/1hpv.pdb
{LINE}
save out.pse
"""

FUNCTION = """
import pymol
pymol.finish_launching(["pymol", "-cq"])
from pomodoro_pymol.commands import pomnoise
pymol.cmd.load(pymol.cmd.exp_path("$PYMOL_DATA/tut/1hpv.pdb"))
result = pomnoise(z=0, wc=3, wr=8)
print(result.report())
pymol.cmd.save("out.pse")
"""

# A plain quit of PyMOL under Xvfb crashes with or without us, so the process ends itself.
WINDOW = f"""
import os, traceback
from pymol import cmd
from pymol.Qt import QtCore, QtWidgets
import pomodoro_pymol.commands

def work():
    try:
        import pymol.gui
        assert pymol.gui.get_qtwindow().isVisible()
        cmd.load(cmd.exp_path("$PYMOL_DATA/tut/1hpv.pdb"))
        cmd.do("{LINE}")
        QtWidgets.QApplication.processEvents()
        cmd.save("out.pse")
        open("done", "w").close()
    except BaseException:
        traceback.print_exc()
    finally:
        os.sys.stdout.flush()
        os._exit(0)

QtCore.QTimer.singleShot(500, work)
"""


def numbers(printed):
    """Return the printed table: what stands between the head line and the colour line."""
    table = re.search(r"^ z 0 .*?^ variance share: atom in residue[^\n]*", printed, re.MULTILINE | re.DOTALL)
    assert table, printed
    return table[0]


@pytest.fixture
def typed_once(hpv, typed, snapshot):
    """What the line gives when typed in an instance: the printed table, and the object."""
    printed = typed(hpv, LINE)
    assert not re.search("error|warning|traceback", printed, re.IGNORECASE)
    return numbers(printed), snapshot(hpv, "1hpv_noise")


@pytest.fixture
def compare(typed_once, new_instance, snapshot, differences, tmp_path):
    """A function that compares the output and the session of a process with what was typed."""

    def check(done):
        assert (tmp_path / "out.pse").exists(), done.stdout + done.stderr
        table, made = typed_once
        assert numbers(done.stdout) == table
        assert "plugin)" not in done.stdout + done.stderr
        cmd = new_instance()
        cmd.load(str(tmp_path / "out.pse"))
        assert cmd.get_names() == ["1hpv", "1hpv_noise", "1hpv_noise_key"]
        assert differences(made, snapshot(cmd, "1hpv_noise")) == []

    return check


def test_typed(typed_once):
    table, made = typed_once
    assert len(made["coords"]) == 21
    assert "sigma 4.819 A per coordinate, 20 frames, seed 0" in table
    assert "chain 0.250, residue 0.667, atom 0.083" in table
    assert made["titles"][0] == "truth (1hpv state 1)"
    assert made["titles"][1] == "z=0 sigma=4.819 A per coordinate seed=0 frame 1/20"
    assert all(color >> 24 == 0x40 for color in made["colors"])


def test_script(run_python, compare, tmp_path):
    (tmp_path / "run.pml").write_text(SCRIPT)
    compare(run_python("-m", "pymol", "-cq", "run.pml"))


def test_function(run_python, compare, tmp_path):
    (tmp_path / "run.py").write_text(FUNCTION)
    compare(run_python("run.py"))


def test_window(run_python, compare, tmp_path):
    if not shutil.which("xvfb-run"):
        message = "xvfb-run is not installed, so PyMOL's window cannot be opened"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    (tmp_path / "run.py").write_text(WINDOW)
    screen = ("xvfb-run", "-a", "-s", "-screen 0 1400x900x24 +extension GLX")
    done = run_python("-m", "pymol", "-qk", "run.py", prefix=screen)
    assert (tmp_path / "done").exists(), done.stdout + done.stderr
    compare(done)
